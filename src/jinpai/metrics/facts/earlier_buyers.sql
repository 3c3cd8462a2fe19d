-- One row per (cell of time, buyer who paid in the as many days before it), for the agent credited
-- with the buyer's latest order of those days; has_stayed: paid in the cell too.
with earlier as (
    select d.cell_no, o.shop_id, o.buyer_id, max(o.order_no) as latest_no
    from numbered_orders as o
    inner join cell_days_before as d on d.shop_id = o.shop_id and d.day = o.paid_day
    group by d.cell_no, o.shop_id, o.buyer_id
),

stayed as (
    select d.cell_no, o.shop_id, o.buyer_id, min(o.paid_at) as paid_at
    from numbered_orders as o
    inner join cell_days as d on d.shop_id = o.shop_id and d.day = o.paid_day
    group by d.cell_no, o.shop_id, o.buyer_id
)

select
    e.cell_no,
    e.shop_id,
    l.agent_id,
    t.team,
    e.buyer_id,
    l.order_id as latest_order_id,
    l.paid_at as latest_paid_at,
    s.buyer_id is not null as has_stayed,
    s.paid_at as stayed_at
from earlier as e
inner join numbered_orders as l
    on l.shop_id = e.shop_id and l.buyer_id = e.buyer_id and l.order_no = e.latest_no
left join stayed as s
    on s.cell_no = e.cell_no and s.shop_id = e.shop_id and s.buyer_id = e.buyer_id
left join roster as t on t.shop_id = e.shop_id and t.agent_id = l.agent_id
where $level = 'shop' or l.agent_id is not null
