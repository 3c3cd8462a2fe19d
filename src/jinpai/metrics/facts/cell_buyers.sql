-- One row per (cell of time, buyer who paid in it), for the agent credited with the buyer's latest
-- order there. A purchase is a buyer's paid orders of one day; gaps: those in the cell that follow
-- another one, gap_days: the days from one to the next, repeat_amount: what was paid after the day of
-- the first purchase ever.
with bought as (
    select
        d.cell_no,
        o.shop_id,
        o.buyer_id,
        min(o.paid_day) as first_day,
        max(o.paid_day) as last_day,
        min(o.previous_day) as previous_day,
        count(*) as orders,
        count(case when coalesce(o.previous_day < o.paid_day, true) then 1 end) as purchases,
        count(case when o.previous_day < o.paid_day then 1 end) as gaps,
        sum(
            case
                when o.previous_day < o.paid_day then date_day(o.paid_day) - date_day(o.previous_day)
                else 0
            end
        ) as gap_days,
        sum(o.paid_amount) as paid_amount,
        sum(case when o.paid_day > o.first_day then o.paid_amount else 0 end) as repeat_amount,
        max(o.order_no) as latest_no
    from numbered_orders as o
    inner join cell_days as d on d.shop_id = o.shop_id and d.day = o.paid_day
    group by d.cell_no, o.shop_id, o.buyer_id
)

select
    b.cell_no,
    b.shop_id,
    l.agent_id,
    t.team,
    b.buyer_id,
    b.first_day,
    b.last_day,
    -- The order before the first one of the cell lies before the cell.
    coalesce(b.previous_day < b.first_day, false) as is_returning,
    b.orders,
    b.purchases,
    b.gaps,
    cast(b.gap_days as bigint) as gap_days,
    cast(b.paid_amount as decimal(18, 2)) as paid_amount,
    cast(b.repeat_amount as decimal(18, 2)) as repeat_amount,
    l.order_id as latest_order_id,
    l.paid_at as latest_paid_at
from bought as b
inner join numbered_orders as l
    on l.shop_id = b.shop_id and l.buyer_id = b.buyer_id and l.order_no = b.latest_no
left join roster as t on t.shop_id = b.shop_id and t.agent_id = l.agent_id
where $level = 'shop' or l.agent_id is not null
