-- One row per order that exists at as_of, with what had happened to it by then.
-- order_no and buyer_no are keys within the run. units: item_count, else the sum of its items' quantities, else 0.
with item_units as (
    select shop_id, order_id, sum(coalesce(quantity, 0)) as units
    from order_items
    group by shop_id, order_id
),

refunded as (
    select f.shop_id, f.order_id, sum(f.amount) as refunded_amount
    from refunds as f
    inner join run_shops as r on r.shop_id = f.shop_id
    where
        f.outcome = 'refunded'
        and us(f.opened_at) <= r.as_of_us
        and us(f.closed_at) <= r.as_of_us
    group by f.shop_id, f.order_id
),

seen as (
    select
        o.*,
        r.salt,
        us(o.created_at) as created_us,
        case when us(o.paid_at) <= r.as_of_us then us(o.paid_at) end as paid_us,
        case when us(o.closed_at) <= r.as_of_us then us(o.closed_at) end as closed_us,
        x.text is not null as is_excluded
    from orders as o
    inner join run_shops as r on r.shop_id = o.shop_id
    left join setting_texts as x
        on x.shop_id = o.shop_id and x.setting = 'excluded_flags' and x.text = o.flag
    where us(o.created_at) <= r.as_of_us
)

select
    key_of(s.salt, s.shop_id, s.order_id, 'order') as order_no,
    s.shop_id,
    s.order_id,
    s.buyer_id,
    key_of(s.salt, s.shop_id, s.buyer_id, 'buyer') as buyer_no,
    s.created_us,
    s.paid_us,
    s.closed_us,
    day_number(s.created_us + cc.day_shift_us) as created_day_no,
    day_number(s.paid_us + cp.day_shift_us) as paid_day_no,
    case when s.paid_us is not null then coalesce(s.paid_amount, 0) end as paid_amount,
    cast(coalesce(s.item_count, i.units, 0) as bigint) as units,
    coalesce(f.refunded_amount, 0) as refunded_amount,
    s.is_excluded
from seen as s
inner join shop_clock as cc
    on cc.shop_id = s.shop_id and s.created_us >= cc.from_us and s.created_us < cc.to_us
left join shop_clock as cp
    on cp.shop_id = s.shop_id and s.paid_us >= cp.from_us and s.paid_us < cp.to_us
left join item_units as i on i.shop_id = s.shop_id and i.order_id = s.order_id
left join refunded as f on f.shop_id = s.shop_id and f.order_id = s.order_id
