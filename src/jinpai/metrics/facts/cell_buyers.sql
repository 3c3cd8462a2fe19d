-- One row per (cell of time, buyer who paid in it), for the agent credited with the buyer's latest
-- order there. A purchase is a buyer's paid orders of one day; gaps: those in the cell that follow
-- another one, gap_days: the days from one to the next, repeat_amount: what was paid on them.
with paid as (
    select * from credited_orders
    where paid_at is not null and not is_excluded and buyer_id is not null
),

purchases as (
    select
        p.*,
        lag(p.day) over (partition by p.shop_id, p.buyer_id order by p.day) as previous_day
    from (
        select
            shop_id,
            buyer_id,
            paid_day as day,
            count(*) as orders,
            sum(paid_amount) as paid_amount
        from paid
        group by shop_id, buyer_id, paid_day
    ) as p
),

bought as (
    select
        d.cell_no,
        p.shop_id,
        p.buyer_id,
        min(p.day) as first_day,
        max(p.day) as last_day,
        min(p.previous_day) as previous_day,
        sum(p.orders) as orders,
        count(*) as purchases,
        count(p.previous_day) as gaps,
        coalesce(sum(date_day(p.day) - date_day(p.previous_day)), 0) as gap_days,
        sum(p.paid_amount) as paid_amount,
        coalesce(sum(case when p.previous_day is not null then p.paid_amount end), 0)
            as repeat_amount
    from purchases as p
    inner join cell_days as d on d.shop_id = p.shop_id and d.day = p.day
    group by d.cell_no, p.shop_id, p.buyer_id
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
    inner join cell_days as d on d.shop_id = p.shop_id and d.day = p.paid_day
)

select
    b.cell_no,
    b.shop_id,
    l.agent_id,
    t.team,
    b.buyer_id,
    b.first_day,
    b.last_day,
    -- The purchase before the first one of the cell lies before the cell.
    coalesce(b.previous_day < b.first_day, false) as is_returning,
    cast(b.orders as bigint) as orders,
    b.purchases,
    b.gaps,
    cast(b.gap_days as bigint) as gap_days,
    cast(b.paid_amount as decimal(18, 2)) as paid_amount,
    cast(b.repeat_amount as decimal(18, 2)) as repeat_amount,
    l.order_id as latest_order_id,
    l.paid_at as latest_paid_at
from bought as b
inner join latest as l
    on l.cell_no = b.cell_no
    and l.shop_id = b.shop_id
    and l.buyer_id = b.buyer_id
    and l.place = 1
left join roster as t on t.shop_id = b.shop_id and t.agent_id = l.agent_id
where $level = 'shop' or l.agent_id is not null
