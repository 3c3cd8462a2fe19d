-- One row per inspected session, on the day it starts. is_faulty: something in it costs points.
select
    s.*,
    s.faults > 0 as is_faulty,
    cast(s.score as decimal(18, 2)) as score_amount,
    t.team
from session_scores as s
left join roster as t on t.shop_id = s.shop_id and t.agent_id = s.agent_id
