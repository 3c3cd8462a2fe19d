-- One row per review with a service score, on the day it was posted, for the agent credited with its
-- order. Reviews of an excluded order are left out.
select
    v.shop_id,
    o.agent_id,
    t.team,
    day_date(day_number(us(v.posted_at) + c.day_shift_us)) as day,
    v.review_id,
    v.order_id,
    v.posted_at,
    v.rating,
    v.service_score
from reviews as v
inner join query_shops as q on q.shop_id = v.shop_id and us(v.posted_at) <= q.as_of_us
inner join event_clock as c
    on c.shop_id = v.shop_id and us(v.posted_at) >= c.from_us and us(v.posted_at) < c.to_us
left join credited_orders as o on o.shop_id = v.shop_id and o.order_id = v.order_id
left join roster as t on t.shop_id = v.shop_id and t.agent_id = o.agent_id
where
    v.service_score is not null
    and not coalesce(o.is_excluded, false)
    and ($level = 'shop' or o.agent_id is not null)
