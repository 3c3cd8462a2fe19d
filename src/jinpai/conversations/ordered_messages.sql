-- First window pass. One row per visible message: its place in the thread and whether a session
-- is cut before it (gap >= session_gap). previous_code: the sender of the message before it, 0 for
-- the first of the thread.
select
    m.thread_no,
    m.sent_us,
    m.day_no,
    m.sender_code,
    coalesce(lag(m.sender_code) over thread, 0) as previous_code,
    cast(row_number() over thread as integer) as position,
    coalesce(m.sent_us - lag(m.sent_us) over thread >= m.session_gap_us, false) as is_cut
from visible_messages as m
window thread as (
    partition by m.thread_no order by m.sent_us, m.seq asc nulls last, m.message_id
)
