-- One row per thread: messages of one (shop, buyer, agent). thread_no is a key within the run; that
-- no two threads share one is checked.
select distinct thread_no, shop_id, buyer_id, agent_id, coalesce(agent_id, '') as agent_key
from visible_messages
