-- One row per (order, moment) that has a winner, with the session that won.
select r.order_no, r.moment, a.agent_id, r.is_covering, r.start_us, r.end_us
from ranked_sessions as r
inner join agent_numbers as a on a.agent_no = r.agent_no
where r.place = 1
