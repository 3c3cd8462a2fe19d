-- One row per thread: messages of one (shop, buyer, agent). The number is only a short key for joins.
select
    some_id() as thread_no,
    t.shop_id,
    t.buyer_id,
    t.agent_id,
    t.agent_key
from (select distinct shop_id, buyer_id, agent_id, agent_key from visible_messages) as t
