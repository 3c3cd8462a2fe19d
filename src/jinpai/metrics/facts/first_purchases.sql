-- One row per buyer, on the day of its first purchase, for the agent credited with its first order.
-- has_repurchased: bought again 1 to repurchase_days later; is_retained: after them, within as many.
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
),

later as (
    select
        p.shop_id,
        p.buyer_id,
        p.paid_day,
        date_day(p.paid_day) - date_day(f.paid_day) as days_later,
        q.repurchase_days
    from paid as p
    inner join firsts as f on f.shop_id = p.shop_id and f.buyer_id = p.buyer_id and f.place = 1
    inner join query_shops as q on q.shop_id = p.shop_id
),

again as (
    select
        shop_id,
        buyer_id,
        bool_or(days_later >= 1 and days_later <= repurchase_days) as has_repurchased,
        bool_or(days_later > repurchase_days and days_later <= 2 * repurchase_days)
            as is_retained,
        min(case when days_later >= 1 then paid_day end) as second_day
    from later
    group by shop_id, buyer_id
)

select
    f.shop_id,
    f.agent_id,
    t.team,
    f.paid_day as day,
    f.buyer_id,
    f.order_id as first_order_id,
    f.paid_at as first_paid_at,
    a.second_day,
    a.has_repurchased,
    a.is_retained
from firsts as f
inner join again as a on a.shop_id = f.shop_id and a.buyer_id = f.buyer_id
left join roster as t on t.shop_id = f.shop_id and t.agent_id = f.agent_id
where f.place = 1 and ($level = 'shop' or f.agent_id is not null)
