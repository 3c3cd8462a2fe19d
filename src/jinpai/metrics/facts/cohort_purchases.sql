-- One row per (buyer, month in which it paid), with the month of its first purchase; for the agent
-- credited with its first order. Months are numbered from year 0.
with paid as (
    select * from credited_orders
    where paid_at is not null and not is_excluded and buyer_id is not null
),

firsts as (
    select
        p.*,
        row_number() over (
            partition by p.shop_id, p.buyer_id order by p.paid_at, p.order_id
        ) as place
    from paid as p
)

select
    p.shop_id,
    f.agent_id,
    p.buyer_id,
    f.paid_day as first_day,
    a.month_no as first_month_no,
    b.month_no,
    count(*) as orders,
    sum(p.paid_amount) as paid_amount
from paid as p
inner join firsts as f on f.shop_id = p.shop_id and f.buyer_id = p.buyer_id and f.place = 1
inner join month_days as a on a.day = f.paid_day
inner join month_days as b on b.day = p.paid_day
group by p.shop_id, f.agent_id, p.buyer_id, f.paid_day, a.month_no, b.month_no
