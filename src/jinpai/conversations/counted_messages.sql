-- Second window pass, everything cumulative. One row per visible message.
-- humans_before / replies_before: human / any non-buyer messages of the thread before this one;
-- a round is the buyer messages that share a session and such a count.
select
    thread_no,
    sent_us,
    day_no,
    sender_code,
    position,
    count(case when is_cut then 1 end) over thread as session_no,
    count(case when sender_code = 2 then 1 end) over thread
        - case when sender_code = 2 then 1 else 0 end as humans_before,
    count(case when sender_code <> 1 then 1 end) over thread
        - case when sender_code <> 1 then 1 else 0 end as replies_before
from ordered_messages
window thread as (
    partition by thread_no order by position rows between unbounded preceding and current row
)
