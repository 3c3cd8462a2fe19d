-- One row per (paid order, item), on the day the order was paid, for the agent credited with it.
-- An order without items has one row, product null.
select
    o.shop_id,
    o.agent_id,
    t.team,
    l.product_id,
    o.paid_day as day,
    o.order_id,
    l.sub_order_id,
    o.buyer_id,
    o.paid_at
from credited_orders as o
inner join sale_lines as l on l.shop_id = o.shop_id and l.order_id = o.order_id
left join roster as t on t.shop_id = o.shop_id and t.agent_id = o.agent_id
where
    o.paid_at is not null
    and not o.is_excluded
    and ($level = 'shop' or o.agent_id is not null)
