-- One row per (order, moment) that has a winner: of the candidate sessions one that covers the moment,
-- then the one that ends last, starts last, has the smallest agent_id.
with ranked as (
    select
        order_no,
        moment,
        agent_no,
        row_number() over (
            partition by order_no, moment
            order by is_covering desc, end_us desc, start_us desc, agent_no
        ) as place
    from candidate_sessions
)

select r.order_no, r.moment, a.agent_id
from ranked as r
inner join agent_numbers as a on a.agent_no = r.agent_no
where r.place = 1
