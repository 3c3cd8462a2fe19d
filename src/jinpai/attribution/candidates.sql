-- One row per (order, moment, session near it): candidates ranked best first, each loser with why it
-- lost against the winner; the others with why they were no candidates (place null).
with ranked as (
    select
        n.*,
        row_number() over best as place,
        first_value(n.is_covering) over best as winner_covers,
        first_value(n.end_us) over best as winner_end_us,
        first_value(n.start_us) over best as winner_start_us
    from nearby_sessions as n
    window best as (
        partition by n.shop_id, n.order_id, n.moment, n.exclusion is null
        order by n.is_covering desc, n.end_us desc, n.start_us desc, n.agent_id
    )
)

select
    shop_id,
    order_id,
    moment,
    instant(at_us) as judged_at,
    agent_id,
    instant(start_us) as session_started_at,
    instant(end_us) as session_ended_at,
    is_covering,
    case when exclusion is null then place end as place,
    case
        when exclusion is not null then exclusion
        when place = 1 then null
        when winner_covers and not is_covering then 'not_covering'
        when end_us < winner_end_us then 'earlier_end'
        when start_us < winner_start_us then 'earlier_start'
        else 'larger_agent_id'
    end as lost_reason
from ranked
