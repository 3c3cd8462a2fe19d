-- One row per thread with the keys of its buyer and agent.
select
    t.thread_no,
    t.shop_id,
    t.buyer_id,
    t.agent_id,
    t.agent_key,
    key_of(r.salt, t.shop_id, t.buyer_id, 'buyer') as buyer_no,
    a.agent_no
from thread_names as t
inner join run_shops as r on r.shop_id = t.shop_id
inner join agent_numbers as a on a.shop_id = t.shop_id and a.agent_key = t.agent_key
