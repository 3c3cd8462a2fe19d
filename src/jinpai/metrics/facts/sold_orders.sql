-- One row per paid order, on the day it was paid whatever the judge rule, for the agent credited.
select
    o.shop_id,
    o.agent_id,
    t.team,
    o.paid_day as day,
    o.order_id,
    o.buyer_id,
    o.paid_at,
    o.paid_amount
from credited_orders as o
left join roster as t on t.shop_id = o.shop_id and t.agent_id = o.agent_id
where
    o.paid_at is not null
    and not o.is_excluded
    and ($level = 'shop' or o.agent_id is not null)
