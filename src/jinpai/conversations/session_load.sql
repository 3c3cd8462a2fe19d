-- One row per unfiltered session: unfiltered sessions of its agent open when it starts, both ends
-- closed. At one instant starts count before ends, and all starts at one instant count.
with events as (
    select agent_no, thread_no, session_no, start_us as at_us, 0 as is_end, 1 as delta
    from judged_sessions
    where filter_reason is null
    union all
    select agent_no, thread_no, session_no, end_us as at_us, 1 as is_end, -1 as delta
    from judged_sessions
    where filter_reason is null
),

running as (
    select
        thread_no,
        session_no,
        is_end,
        sum(delta) over (
            partition by agent_no order by at_us, is_end
            range between unbounded preceding and current row
        ) as concurrency
    from events
)

select thread_no, session_no, cast(concurrency as bigint) as concurrency
from running
where is_end = 0
