-- One row per unfiltered session: unfiltered sessions of its agent open when it starts, both ends
-- closed. At one instant starts count before ends, and all starts at one instant count.
-- Every session starts and ends once, so those open at t are the ends at or after t less the starts
-- after t. later: starts after t and ends at or after t, plus 1; later_starts: starts after t, plus 1.
with events as (
    select agent_no, thread_no, session_no, start_us as at_us, 0 as is_end
    from judged_sessions
    where filter_reason is null
    union all
    select agent_no, thread_no, session_no, end_us as at_us, 1 as is_end
    from judged_sessions
    where filter_reason is null
),

counted as (
    select
        thread_no,
        session_no,
        is_end,
        rank() over (partition by agent_no order by at_us desc, is_end desc) as later,
        rank() over (partition by agent_no, is_end order by at_us desc) as later_starts
    from events
)

select
    thread_no,
    session_no,
    cast(later - 1 - 2 * (later_starts - 1) as bigint) as concurrency
from counted
where is_end = 0
