-- One row per (buyer, month in which it paid), with the month of its first purchase; for the agent
-- credited with its first order. Months are numbered from year 0.
select
    o.shop_id,
    f.agent_id,
    o.buyer_id,
    f.paid_day as first_day,
    a.month_no as first_month_no,
    b.month_no,
    count(*) as orders,
    sum(o.paid_amount) as paid_amount
from numbered_orders as o
inner join numbered_orders as f
    on f.shop_id = o.shop_id and f.buyer_id = o.buyer_id and f.order_no = 1
inner join month_days as a on a.day = f.paid_day
inner join month_days as b on b.day = o.paid_day
group by o.shop_id, f.agent_id, o.buyer_id, f.paid_day, a.month_no, b.month_no
