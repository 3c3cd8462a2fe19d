-- One row per (order, moment) that has a winner.
select r.order_no, r.moment, a.agent_id
from ranked_sessions as r
inner join agent_numbers as a on a.agent_no = r.agent_no
where r.place = 1 and r.exclusion is null
