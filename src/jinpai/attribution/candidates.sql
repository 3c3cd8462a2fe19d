-- One row per (order, moment, session near it): candidates by place, each loser with why it lost
-- against the winner; the others with why they were no candidates (place null).
select
    o.shop_id,
    o.order_id,
    r.moment,
    instant(r.at_us) as judged_at,
    a.agent_id,
    instant(r.start_us) as session_started_at,
    instant(r.end_us) as session_ended_at,
    r.is_covering,
    case when r.exclusion is null then r.place end as place,
    case
        when r.exclusion is not null then r.exclusion
        when r.place = 1 then null
        when r.winner_covers and not r.is_covering then 'not_covering'
        when r.end_us < r.winner_end_us then 'earlier_end'
        when r.start_us < r.winner_start_us then 'earlier_start'
        else 'larger_agent_id'
    end as lost_reason
from ranked_sessions as r
inner join order_facts as o on o.order_no = r.order_no
inner join agent_numbers as a on a.agent_no = r.agent_no
