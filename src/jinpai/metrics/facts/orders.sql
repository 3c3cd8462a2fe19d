-- One row per order, on the day it was created, for the agent who had won it then.
select
    o.shop_id,
    o.created_agent_id as agent_id,
    t.team,
    o.created_day as day,
    o.order_id,
    o.buyer_id,
    o.created_at,
    o.paid_at,
    o.paid_amount
from judged_orders as o
left join roster as t on t.shop_id = o.shop_id and t.agent_id = o.created_agent_id
where not o.is_excluded and ($level = 'shop' or o.created_agent_id is not null)
