-- One row per account in the threads, numbered in the order of shop and account, so that a smaller
-- number is a smaller agent_id. The unassigned bucket has agent_key ''.
select
    row_number() over (order by t.shop_id, t.agent_key) as agent_no,
    t.shop_id,
    t.agent_id,
    t.agent_key
from (select distinct shop_id, agent_id, agent_key from thread_names) as t
