-- One row per (cell of time, buyer who paid in the as many days before it), for the agent credited
-- with the buyer's latest order of those days; has_stayed: paid in the cell too.
with paid as (
    select * from credited_orders
    where paid_at is not null and not is_excluded and buyer_id is not null
),

latest as (
    select
        d.cell_no,
        p.shop_id,
        p.buyer_id,
        p.agent_id,
        p.order_id,
        p.paid_at,
        row_number() over (
            partition by d.cell_no, p.shop_id, p.buyer_id order by p.paid_at desc, p.order_id desc
        ) as place
    from paid as p
    inner join cell_days_before as d on d.shop_id = p.shop_id and d.day = p.paid_day
),

stayed as (
    select d.cell_no, p.shop_id, p.buyer_id, min(p.paid_at) as paid_at
    from paid as p
    inner join cell_days as d on d.shop_id = p.shop_id and d.day = p.paid_day
    group by d.cell_no, p.shop_id, p.buyer_id
)

select
    l.cell_no,
    l.shop_id,
    l.agent_id,
    t.team,
    l.buyer_id,
    l.order_id as latest_order_id,
    l.paid_at as latest_paid_at,
    s.buyer_id is not null as has_stayed,
    s.paid_at as stayed_at
from latest as l
left join stayed as s
    on s.cell_no = l.cell_no and s.shop_id = l.shop_id and s.buyer_id = l.buyer_id
left join roster as t on t.shop_id = l.shop_id and t.agent_id = l.agent_id
where l.place = 1 and ($level = 'shop' or l.agent_id is not null)
