-- One row per (order, moment, candidate session), ranked best first.
select
    order_no,
    moment,
    at_us,
    agent_no,
    start_us,
    end_us,
    is_covering,
    row_number() over (
        partition by order_no, moment
        order by is_covering desc, end_us desc, start_us desc, agent_no
    ) as place
from nearby_sessions
where exclusion is null
