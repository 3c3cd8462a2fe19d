-- One row per unfiltered session: unfiltered sessions of its agent open when it starts, both ends
-- closed. At one instant starts count before ends, and all starts at one instant count.
-- Every session starts and ends once, so those open at t are the ends at or after t less the starts
-- after t. Latest first, ends before starts: place - 1 is both together for a session's start.
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
        rank() over later as place,
        sum(is_end) over (
            partition by agent_no order by at_us desc, is_end desc
            rows between unbounded preceding and current row
        ) as ends
    from events
    window later as (partition by agent_no order by at_us desc, is_end desc)
)

select
    thread_no,
    session_no,
    cast(2 * ends - (place - 1) as bigint) as concurrency
from counted
where is_end = 0
