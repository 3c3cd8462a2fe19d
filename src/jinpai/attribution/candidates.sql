-- One row per (order, moment, session of its buyer near it), told from what a run published:
-- candidates by place, each loser with why it lost against the winner; the others with why they
-- were no candidates (place null). Near: the session touches the order window, the window of the
-- same length before it, or the one after the moment.
with moments as (
    select shop_id, order_id, buyer_id, 'created' as moment, created_at as judged_at
    from judged_orders
    where not is_excluded
    union all
    select shop_id, order_id, buyer_id, 'paid' as moment, paid_at as judged_at
    from judged_orders
    where not is_excluded and paid_at is not null
),

near as (
    select
        o.shop_id,
        o.order_id,
        o.moment,
        o.judged_at,
        s.agent_id,
        s.started_at as session_started_at,
        s.ended_at as session_ended_at,
        s.started_at <= o.judged_at and s.ended_at >= o.judged_at as is_covering,
        case
            when s.filter_reason is not null then 'filtered'
            when s.agent_id is null then 'unassigned'
            when s.human_messages = 0 then 'unattended'
            when w.two_sided and s.buyer_messages = 0 then 'one_sided'
            when s.started_at > o.judged_at or us(s.ended_at) < us(o.judged_at) - w.order_window_us
                then 'out_of_window'
        end as exclusion
    from moments as o
    inner join order_windows as w on w.shop_id = o.shop_id
    inner join sessions as s
        on s.shop_id = o.shop_id and s.buyer_id = o.buyer_id
        and us(s.started_at) <= us(o.judged_at) + w.order_window_us
        and us(s.ended_at) >= us(o.judged_at) - 2 * w.order_window_us
),

ranked as (
    select
        *,
        case when exclusion is null then row_number() over contest end as place,
        first_value(is_covering) over contest as winner_is_covering,
        first_value(session_ended_at) over contest as winner_ended_at,
        first_value(session_started_at) over contest as winner_started_at
    from near
    window contest as (
        partition by shop_id, order_id, moment, exclusion
        order by is_covering desc, session_ended_at desc, session_started_at desc, agent_id
    )
)

select
    shop_id,
    order_id,
    moment,
    judged_at,
    agent_id,
    session_started_at,
    session_ended_at,
    is_covering,
    place,
    case
        when place is null then exclusion
        when place = 1 then null
        when winner_is_covering and not is_covering then 'not_covering'
        when session_ended_at < winner_ended_at then 'earlier_end'
        when session_started_at < winner_started_at then 'earlier_start'
        else 'larger_agent_id'
    end as lost_reason
from ranked
