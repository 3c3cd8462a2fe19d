-- One row per thread: messages of one (shop, buyer, agent), some of them perhaps without a visible
-- message. thread_no is a key within the run; that no two threads share it is checked.
select
    key_of(r.salt, m.shop_id, m.buyer_id, coalesce(m.agent_id, '')) as thread_no,
    m.shop_id,
    m.buyer_id,
    m.agent_id,
    coalesce(m.agent_id, '') as agent_key
from (select distinct shop_id, buyer_id, agent_id from messages) as m
inner join run_shops as r on r.shop_id = m.shop_id
