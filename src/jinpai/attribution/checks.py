"""Books that must balance: queries that may return no row, or the run is not published."""

from __future__ import annotations

__all__ = ["balance_checks", "key_clashes"]


def balance_checks() -> dict[str, str]:
    """Return check name -> query; any row it returns is a broken balance.

    The shop's sales are added up from the canonical orders, the other side from the credits; lines
    of a sale must add up to it; every message counted must be in exactly one session.
    """
    return {
        "shop_equals_agents_silent_excluded": _BOOKS,
        "lines_equal_sale": _LINES,
        "messages_in_sessions": _MESSAGES,
        "one_winner_at_most": _WINNERS,
    }


def key_clashes() -> str:
    """Return the query of things that share a key in the run; it then takes another salt."""
    return _CLASHES


_BOOKS = """
with rules as (
    select 'order' as judge_rule
    union all
    select 'order_first' as judge_rule
    union all
    select 'payment' as judge_rule
),

shop_side as (
    select
        o.shop_id,
        r.judge_rule,
        day_number(
            case when r.judge_rule = 'order' then us(o.created_at) else us(o.paid_at) end
            + c.day_shift_us
        ) as day_no,
        sum(o.paid_amount) as amount,
        count(*) as orders
    from orders as o
    inner join run_shops as s on s.shop_id = o.shop_id
    cross join rules as r
    inner join shop_clock as c
        on c.shop_id = o.shop_id
        and case when r.judge_rule = 'order' then us(o.created_at) else us(o.paid_at) end
        >= c.from_us
        and case when r.judge_rule = 'order' then us(o.created_at) else us(o.paid_at) end
        < c.to_us
    where us(o.created_at) <= s.as_of_us and us(o.paid_at) <= s.as_of_us
    group by 1, 2, 3
),

credit_side as (
    select
        shop_id,
        judge_rule,
        date_day(day) as day_no,
        sum(case when status = 'credited' and agent_id is not null then paid_amount else 0 end)
        + sum(case when status = 'silent' then paid_amount else 0 end)
        + sum(case when status = 'excluded' then paid_amount else 0 end) as amount,
        count(*) as orders
    from credits
    group by 1, 2, 3
)

select *
from shop_side as a
full outer join credit_side as b
    on b.shop_id = a.shop_id and b.judge_rule = a.judge_rule and b.day_no = a.day_no
where
    a.shop_id is null or b.shop_id is null
    or a.amount <> b.amount or a.orders <> b.orders
"""

# Added up by a key: the names of all orders would take the most memory. Two orders that share one
# have their sums compared together.
_LINES = """
with entries as (
    select
        key_of('', shop_id, order_id, 'lines') as entry_no,
        paid_amount as sale_amount,
        cast(0 as decimal(18, 2)) as line_amount,
        0 as line_count
    from judged_orders
    where paid_at is not null and not is_excluded
    union all
    select
        key_of('', shop_id, order_id, 'lines') as entry_no,
        cast(0 as decimal(18, 2)) as sale_amount,
        amount as line_amount,
        1 as line_count
    from sale_lines
),

broken as (
    select entry_no, sum(sale_amount) as sale_amount, sum(line_amount) as line_amount
    from entries
    group by entry_no
    having sum(sale_amount) <> sum(line_amount) or sum(line_count) = 0
)

select o.shop_id, o.order_id, b.sale_amount, b.line_amount
from broken as b
left join judged_orders as o on key_of('', o.shop_id, o.order_id, 'lines') = b.entry_no
"""

_MESSAGES = """
select a.shop_id, a.messages, b.messages as messages_in_sessions
from (
    select m.shop_id, count(*) as messages
    from messages as m
    inner join run_shops as r on r.shop_id = m.shop_id
    where m.sender <> 'system' and us(m.sent_at) <= r.as_of_us
    group by m.shop_id
) as a
full outer join (
    select shop_id, sum(messages) as messages from judged_sessions group by shop_id
) as b on b.shop_id = a.shop_id
where a.messages is null or b.messages is null or a.messages <> b.messages
"""

_WINNERS = """
select order_no, moment, count(*) as winners
from winners
group by order_no, moment
having count(*) > 1
"""

_CLASHES = """
select 'thread' as kind, thread_no as key
from thread_names
group by thread_no
having count(*) > 1
union all
select 'order' as kind, order_no as key
from order_facts
group by order_no
having count(*) > 1
union all
select 'buyer' as kind, buyer_no as key
from (select distinct shop_id, buyer_id, buyer_no from threads)
group by buyer_no
having count(*) > 1
"""
