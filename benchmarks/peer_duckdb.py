"""The one-off SQL an analyst would write in DuckDB for the same agent x day figures.

    python benchmarks/peer_duckdb.py DATA OUT.parquet

Default settings only, one shop in Asia/Shanghai; the text book way: window functions over the
messages, joins on names, a temporary table where a result is used more than once. The figures are
those of the definitions, sections 3 and 4.1. Rows: agent_id x day (a null agent_id is the whole
shop), columns named as the metrics.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

import duckdb

# Settings and constants of the definitions, in microseconds.
HEAD = """
create macro local_day(t) as (epoch_us(t) + 28800000000) // 86400000000;
create macro minutes(n) as n * 60000000;
create macro hours(n) as n * 3600000000;
"""

MESSAGES = """
create temp table placed as
select
    m.buyer_id, m.agent_id, epoch_us(m.sent_at) as told, local_day(m.sent_at) as day,
    m.sender = 'buyer' as is_buyer, m.sender = 'agent' and not m.is_auto as is_human,
    row_number() over thread as place,
    epoch_us(m.sent_at) - epoch_us(lag(m.sent_at) over thread) >= minutes(10) as is_cut
from read_parquet('{folder}/messages.parquet') as m
anti join read_parquet('{folder}/agents.parquet') as a on a.agent_id = m.buyer_id
where m.sender <> 'system'
window thread as (
    partition by m.buyer_id, m.agent_id order by m.sent_at, m.seq nulls last, m.message_id
);

create temp table messages as
select
    *, count(*) filter (is_cut) over upto as session,
    count(*) filter (is_human) over upto - is_human::int as answers
from placed
window upto as (
    partition by buyer_id, agent_id order by place rows between unbounded preceding and current row
);

create temp table sessions as
select
    buyer_id, agent_id, session, min(told) as start_at, max(told) as end_at,
    min(place) filter (is_buyer) as first_asked
from messages group by all having bool_or(is_buyer) or bool_or(is_human);

create temp table rounds as
with opened as (
    select
        buyer_id, agent_id, session, answers, min(told) as open_at, min(day) as day,
        min(place) as place
    from messages where is_buyer group by all
),
closed as (
    select buyer_id, agent_id, answers, min(told) as close_at, min(session) as closed_session
    from messages where is_human group by all
)
select
    o.buyer_id, o.agent_id, o.day, c.close_at - o.open_at as uncut,
    case when c.closed_session = o.session then c.close_at - o.open_at end as wait,
    o.place = s.first_asked as is_first,
    (o.open_at + hours(8)) % hours(24) >= hours(8)
    and (o.open_at + hours(8)) % hours(24) < hours(23) as is_daytime
from opened as o
join sessions as s
    on s.buyer_id = o.buyer_id and s.agent_id is not distinct from o.agent_id
    and s.session = o.session
left join closed as c
    on c.buyer_id = o.buyer_id and c.agent_id is not distinct from o.agent_id
    and c.answers = o.answers;

create temp table receptions as
with slow as (
    select buyer_id, agent_id, day, count(*) >= 3 as is_slow
    from rounds where uncut > 120000000 group by all
)
select
    m.buyer_id, m.agent_id, m.day, min(m.told) filter (m.is_buyer) as first_at,
    count(*) filter (m.is_buyer) as asked, count(*) filter (m.is_human) as said,
    coalesce(max(m.place) filter (m.is_human) > min(m.place) filter (m.is_buyer), false)
        as is_replied,
    coalesce(any_value(s.is_slow), false) as is_slow
from messages as m
left join slow as s
    on s.buyer_id = m.buyer_id and s.agent_id is not distinct from m.agent_id and s.day = m.day
group by m.buyer_id, m.agent_id, m.day having bool_or(m.is_buyer);
drop table placed;
"""

ORDERS = """
create temp table orders as
select
    order_id, buyer_id, epoch_us(created_at) as created, epoch_us(paid_at) as paid,
    epoch_us(closed_at) as closed, local_day(created_at) as created_day,
    local_day(paid_at) as paid_day, paid_amount, coalesce(item_count, 0) as items,
    coalesce(epoch_us(paid_at) - epoch_us(created_at) <= hours(96), false) as in_time
from read_parquet('{folder}/orders.parquet');

create temp table winners as
with asked as (
    select order_id, buyer_id, 'created' as moment, created as told from orders
    union all
    select order_id, buyer_id, 'paid', paid from orders where paid is not null
),
attended as (
    select buyer_id, agent_id, session from messages group by all
    having bool_or(is_buyer) and bool_or(is_human) and agent_id is not null
)
select a.order_id, a.moment, s.agent_id
from asked as a
join sessions as s
    on s.buyer_id = a.buyer_id and s.start_at <= a.told and s.end_at >= a.told - hours(48)
join attended as t
    on t.buyer_id = s.buyer_id and t.agent_id = s.agent_id and t.session = s.session
qualify row_number() over (
    partition by a.order_id, a.moment
    order by s.end_at >= a.told desc, s.end_at desc, s.start_at desc, s.agent_id
) = 1;

create temp table judged as
select
    o.*, c.agent_id as created_agent, p.agent_id as paid_agent,
    coalesce(c.agent_id, p.agent_id) as first_agent
from orders as o
left join winners as c on c.order_id = o.order_id and c.moment = 'created'
left join winners as p on p.order_id = o.order_id and p.moment = 'paid';

create temp table linked as
with pairs as (
    select
        r.buyer_id, r.agent_id, r.day, r.said, j.*  exclude (buyer_id),
        j.created >= r.first_at and j.created_day <= r.day + 1 as in_window,
        coalesce(j.paid < r.first_at and j.paid >= r.first_at - hours(24 * 21), false) as is_bought,
        j.created < r.first_at and j.created >= r.first_at - hours(48)
        and not coalesce(j.paid < r.first_at, false)
        and not coalesce(j.closed < r.first_at, false) as is_pending
    from receptions as r join judged as j on j.buyer_id = r.buyer_id
)
select
    *, bool_or(in_window) over reception as asks, bool_or(is_bought) over reception as bought,
    row_number() over (
        partition by buyer_id, agent_id, day order by is_pending desc, created desc, order_id
    ) as place
from pairs where in_window or is_bought or is_pending
window reception as (partition by buyer_id, agent_id, day);

create temp table outcomes as
with kinds as (
    select
        buyer_id, agent_id, day, any_value(said) as said,
        case when any_value(asks) then 'inquiry' when any_value(bought) then 'aftersale'
             else 'followup' end as kind,
        bool_or(in_window and created_agent = agent_id) as ordered,
        bool_or(in_window and in_time and first_agent = agent_id) as sold,
        sum(paid_amount) filter (in_window and in_time and first_agent = agent_id) as amount,
        bool_or(
            in_time and first_agent = agent_id
            and (in_window or not asks and not bought and place = 1)
        ) as own,
        sum(paid_amount) filter (
            in_time and first_agent <> agent_id
            and (in_window or not asks and not bought and place = 1)
        ) as helped
    from linked group by buyer_id, agent_id, day
)
select
    r.*, coalesce(k.kind, 'inquiry') as kind, coalesce(k.ordered, false) as ordered,
    coalesce(k.sold, false) as sold, k.amount,
    case when k.said > 0 and k.kind <> 'aftersale' and not coalesce(k.own, false)
         then k.helped end as helped
from receptions as r
left join kinds as k
    on k.buyer_id = r.buyer_id and k.agent_id is not distinct from r.agent_id and k.day = r.day;
"""

FIGURES = """
with reception_figures as (
    select
        agent_id, day, count(*) as received_buyers,
        count(*) filter (kind = 'inquiry' and helped is null) as inquiry_buyers,
        count(*) filter (kind = 'inquiry' and helped is null and ordered) as inquiry_order_buyers,
        count(*) filter (kind = 'inquiry' and helped is null and sold) as inquiry_paid_buyers,
        sum(amount) filter (kind = 'inquiry' and helped is null) as inquiry_sales_amount,
        count(*) filter (kind = 'inquiry' and helped is null and sold)
        / nullif(count(*) filter (kind = 'inquiry' and helped is null), 0)
            as inquiry_conversion_rate,
        count(*) filter (kind = 'aftersale') as aftersale_buyers,
        count(*) filter (kind = 'followup') as followup_buyers,
        count(helped) as assist_receptions, sum(helped) as assist_amount,
        count(*) filter (is_replied) / count(*) as reply_rate,
        sum(said) / sum(asked) as answer_question_ratio,
        count(*) filter (is_slow) as slow_receptions
    from outcomes group by all
),
round_figures as (
    select
        agent_id, day, count(*) as rounds,
        count(*) filter (wait is null) as unanswered_rounds,
        avg(wait) filter (is_first) / 1e6 as first_response_seconds,
        avg(wait) / 1e6 as avg_response_seconds, avg(uncut) / 1e6 as avg_response_uncut_seconds,
        avg(case when wait is null then 600e6 else least(uncut, 600000000) end)
            filter (is_daytime) / 1e6 as avg_response_capped_seconds,
        count(*) filter (is_daytime and uncut <= 180000000)
        / nullif(count(*) filter (is_daytime), 0) as within_180s_rate
    from rounds group by all
),
sale_figures as (
    select
        first_agent as agent_id, paid_day as day, sum(paid_amount) as sales_amount,
        count(*) as sales_orders, count(distinct buyer_id) as sales_buyers
    from judged where paid is not null and first_agent is not null group by all
),
order_figures as (
    select
        created_agent as agent_id, created_day as day, count(*) as created_orders,
        count(paid) as paid_orders
    from judged where created_agent is not null group by all
),
shop_figures as (
    select
        null::varchar as agent_id, paid_day as day, sum(paid_amount) as shop_sales_amount,
        count(*) as shop_sales_orders,
        sum(paid_amount) filter (first_agent is null) as silent_amount,
        count(*) filter (first_agent is null) as silent_orders
    from judged where paid is not null group by all
),
cells as (
    select agent_id, day from reception_figures
    union select agent_id, day from round_figures
    union select agent_id, day from sale_figures
    union select agent_id, day from order_figures
    union select agent_id, day from shop_figures
)
select
    c.agent_id, date '1970-01-01' + c.day::int as day, r.* exclude (agent_id, day),
    w.* exclude (agent_id, day), s.* exclude (agent_id, day), o.* exclude (agent_id, day),
    h.* exclude (agent_id, day)
from cells as c
left join reception_figures as r on r.agent_id is not distinct from c.agent_id and r.day = c.day
left join round_figures as w on w.agent_id is not distinct from c.agent_id and w.day = c.day
left join sale_figures as s on s.agent_id is not distinct from c.agent_id and s.day = c.day
left join order_figures as o on o.agent_id is not distinct from c.agent_id and o.day = c.day
left join shop_figures as h on h.agent_id is not distinct from c.agent_id and h.day = c.day
"""


def main() -> None:
    """Compute, write, and say how long it took."""
    begin = time.perf_counter()
    folder, out = Path(sys.argv[1]), Path(sys.argv[2])
    with duckdb.connect(config={"threads": 2, "preserve_insertion_order": False}) as con:
        con.execute(HEAD)
        for part in (MESSAGES, ORDERS):
            con.execute(part.replace("{folder}", str(folder).replace("'", "''")))
        con.sql(FIGURES).write_parquet(str(out))
    print(f"duckdb: {time.perf_counter() - begin:.1f} s")


if __name__ == "__main__":
    main()
