-- First window pass. One row per visible message at which its thread turns: its sender is another than
-- that of the message before, a session is cut (gap >= session_gap) or a local day begins before it, or
-- it is the thread's last. Placed by time and seq alone, since most sources need no message_id for it;
-- is_tied says that one would have decided here, and such messages are kept whether they turn or not.
-- previous_code: the sender before it, 0 for the thread's first message.
with placed as (
    select
        thread_no,
        sent_us,
        day_no,
        sender_code,
        session_gap_us,
        lag(sent_us * 4 + sender_code) over thread as previous,
        lag(day_no) over thread as previous_day_no,
        lead(sender_code) over thread is null as is_last,
        row_number() over thread as position,
        row_number() over thread <> rank() over thread as is_tied
    from visible_messages
    window thread as (partition by thread_no order by sent_us, seq asc nulls last)
)

select
    thread_no,
    sent_us,
    day_no,
    cast(sender_code as tinyint) as sender_code,
    cast(coalesce(previous % 4, 0) as tinyint) as previous_code,
    quotient(previous, 4) as previous_us,
    coalesce(sent_us - quotient(previous, 4) >= session_gap_us, false) as is_cut,
    cast(position as integer) as position,
    is_tied
from placed
where
    previous is null
    or sender_code <> previous % 4
    or sent_us - quotient(previous, 4) >= session_gap_us
    or day_no <> previous_day_no
    or is_last
    or is_tied
