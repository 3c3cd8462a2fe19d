-- One row per (order, moment, session near it): candidates by place, each loser with why it lost
-- against the winner; the others with why they were no candidates (place null).
with judged as (
    select
        r.order_no,
        r.moment,
        r.at_us,
        r.agent_no,
        r.start_us,
        r.end_us,
        r.is_covering,
        r.place,
        case
            when r.place = 1 then null
            when w.is_covering and not r.is_covering then 'not_covering'
            when r.end_us < w.end_us then 'earlier_end'
            when r.start_us < w.start_us then 'earlier_start'
            else 'larger_agent_id'
        end as lost_reason
    from ranked_sessions as r
    inner join winners as w on w.order_no = r.order_no and w.moment = r.moment
    union all
    select
        order_no,
        moment,
        at_us,
        agent_no,
        start_us,
        end_us,
        is_covering,
        null as place,
        exclusion as lost_reason
    from nearby_sessions
    where exclusion is not null
)

select
    o.shop_id,
    o.order_id,
    j.moment,
    instant(j.at_us) as judged_at,
    a.agent_id,
    instant(j.start_us) as session_started_at,
    instant(j.end_us) as session_ended_at,
    j.is_covering,
    j.place,
    j.lost_reason
from judged as j
inner join order_facts as o on o.order_no = j.order_no
inner join agent_numbers as a on a.agent_no = j.agent_no
