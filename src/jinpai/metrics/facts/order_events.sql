-- One row per thing that happened after an order by as_of, on the day it happened: a refund opened,
-- disputed or closed, a complaint, a review; for the agent credited with the order. What is about an
-- excluded order is left out. open_us: from a refund's opening to its closing. item_kind, item_id:
-- what a complaint is about, the smallest thing known.
with happened as (
    select
        shop_id,
        'refund_opened' as event,
        refund_id as event_id,
        order_id,
        sub_order_id,
        us(opened_at) as own_us,
        us(opened_at) as at_us,
        amount,
        null as closed_by,
        null as outcome,
        goods_returned,
        null as open_us,
        null as stage,
        null as cause,
        null as rating,
        null as service_score
    from refunds
    union all
    select
        shop_id, 'refund_disputed', refund_id, order_id, sub_order_id, us(opened_at),
        us(disputed_at), amount, null, null, goods_returned, null, null, null, null, null
    from refunds
    where disputed_at is not null
    union all
    select
        shop_id, 'refund_closed', refund_id, order_id, sub_order_id, us(opened_at),
        us(closed_at), amount, closed_by, outcome, goods_returned, us(closed_at) - us(opened_at),
        null, null, null, null
    from refunds
    where closed_at is not null
    union all
    select
        shop_id, 'complaint', complaint_id, order_id, sub_order_id, us(opened_at), us(opened_at),
        null, null, null, null, null, stage, cause, null, null
    from complaints
    union all
    select
        shop_id, 'review', review_id, order_id, null, us(posted_at), us(posted_at), null, null,
        null, null, null, null, null, rating, service_score
    from reviews
),

items as (
    select i.shop_id, i.sub_order_id, i.product_id
    from order_items as i
    left join judged_orders as x
        on x.shop_id = i.shop_id and x.order_id = i.order_id and x.is_excluded
    where x.order_id is null
)

select
    h.shop_id,
    o.agent_id,
    t.team,
    i.product_id,
    day_date(day_number(h.at_us + c.day_shift_us)) as day,
    h.event,
    h.event_id,
    instant(h.at_us) as happened_at,
    h.order_id,
    h.sub_order_id,
    case when h.sub_order_id is not null then 'sub_order' else 'order' end as item_kind,
    coalesce(h.sub_order_id, h.order_id) as item_id,
    h.amount,
    h.closed_by,
    h.outcome,
    h.goods_returned,
    h.open_us,
    h.stage,
    h.cause,
    h.rating,
    h.service_score
from happened as h
inner join query_shops as q
    on q.shop_id = h.shop_id and h.own_us <= q.as_of_us and h.at_us <= q.as_of_us
inner join event_clock as c
    on c.shop_id = h.shop_id and h.at_us >= c.from_us and h.at_us < c.to_us
left join credited_orders as o on o.shop_id = h.shop_id and o.order_id = h.order_id
left join items as i on i.shop_id = h.shop_id and i.sub_order_id = h.sub_order_id
left join roster as t on t.shop_id = h.shop_id and t.agent_id = o.agent_id
where not coalesce(o.is_excluded, false) and ($level = 'shop' or o.agent_id is not null)
