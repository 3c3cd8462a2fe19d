-- One row per (order, moment, session near it): candidates ranked best first, each with what decides
-- against the winner. The others are ranked among themselves, which means nothing.
select
    n.order_no,
    n.moment,
    n.at_us,
    n.agent_no,
    n.start_us,
    n.end_us,
    n.is_covering,
    n.exclusion,
    row_number() over best as place,
    first_value(n.is_covering) over best as winner_covers,
    first_value(n.end_us) over best as winner_end_us,
    first_value(n.start_us) over best as winner_start_us
from nearby_sessions as n
window best as (
    partition by n.order_no, n.moment, n.exclusion is null
    order by n.is_covering desc, n.end_us desc, n.start_us desc, n.agent_no
)
