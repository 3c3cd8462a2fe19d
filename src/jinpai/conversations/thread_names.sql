-- One row per thread: messages of one (shop, buyer, agent). thread_no is a key within the run; that no
-- two threads share it is checked.
select
    key_of(r.salt, m.shop_id, m.buyer_id, coalesce(m.agent_id, '')) as thread_no,
    m.shop_id,
    m.buyer_id,
    m.agent_id,
    coalesce(m.agent_id, '') as agent_key
from (
    select distinct v.shop_id, v.buyer_id, v.agent_id
    from messages as v
    inner join run_shops as s on s.shop_id = v.shop_id
    where v.sender <> 'system' and us(v.sent_at) <= s.as_of_us
) as m
inner join run_shops as r on r.shop_id = m.shop_id
