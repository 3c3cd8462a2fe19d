-- One row per buyer, on the day of its first purchase, for the agent credited with its first order.
-- has_repurchased: bought again 1 to repurchase_days later; is_retained: after them, within as many.
with later as (
    select
        o.shop_id,
        o.buyer_id,
        o.paid_day,
        date_day(o.paid_day) - date_day(o.first_day) as days_later,
        q.repurchase_days
    from numbered_orders as o
    inner join query_shops as q on q.shop_id = o.shop_id
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
from numbered_orders as f
inner join again as a on a.shop_id = f.shop_id and a.buyer_id = f.buyer_id
left join roster as t on t.shop_id = f.shop_id and t.agent_id = f.agent_id
where f.order_no = 1 and ($level = 'shop' or f.agent_id is not null)
