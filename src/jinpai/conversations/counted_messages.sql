-- Second window pass, everything cumulative. One row per visible message.
-- humans_before / replies_before: human / any non-buyer messages of the thread before this one;
-- a round is the buyer messages that share a session and such a count.
select
    thread_no,
    sent_us,
    day_no,
    sender_code,
    previous_code,
    is_cut,
    position,
    cast(count(case when is_cut then 1 end) over thread as integer) as session_no,
    cast(
        count(case when sender_code = 2 then 1 end) over thread
        - case when sender_code = 2 then 1 else 0 end as integer
    ) as humans_before,
    cast(
        count(case when sender_code <> 1 then 1 end) over thread
        - case when sender_code <> 1 then 1 else 0 end as integer
    ) as replies_before
from ordered_messages
window thread as (
    partition by thread_no order by position rows between unbounded preceding and current row
)
