-- One row per (agent, first round of its session or not, wait): how many unfiltered rounds were
-- opened in the period; wait_us is null where nobody answered within the session.
with asked as (
    select
        agent_id,
        is_first_in_session,
        case when closed_at is null or is_late then null else wait_us end as wait_us
    from rounds
    where shop_id = $shop_id and day >= $first and day <= $last and filter_reason is null
)

select agent_id, is_first_in_session, wait_us, count(*) as rounds
from asked
group by agent_id, is_first_in_session, wait_us
