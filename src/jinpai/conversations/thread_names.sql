-- One row per thread: messages of one (shop, buyer, agent). thread_no is a key within the run; were
-- two threads to share it, their second keys would differ, and that is checked.
select
    thread_no,
    any_value(shop_id) as shop_id,
    any_value(buyer_id) as buyer_id,
    any_value(agent_id) as agent_id,
    coalesce(any_value(agent_id), '') as agent_key,
    min(second_key) as least_second_key,
    max(second_key) as largest_second_key
from visible_messages
group by thread_no
