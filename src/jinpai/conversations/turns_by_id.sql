-- One row per message at which a tied thread turns, as turns_by_time, placed by message_id as well.
with placed as (
    select
        m.thread_no,
        m.sent_us,
        m.day_no,
        m.sender_code,
        m.session_gap_us,
        lag(m.sent_us * 4 + m.sender_code) over thread as previous,
        lag(m.day_no) over thread as previous_day_no,
        lead(m.sender_code) over thread is null as is_last,
        row_number() over thread as position
    from visible_messages as m
    inner join tied_threads as t on t.thread_no = m.thread_no
    window thread as (
        partition by m.thread_no order by m.sent_us, m.seq asc nulls last, m.message_id
    )
)

select
    thread_no,
    sent_us,
    day_no,
    cast(sender_code as tinyint) as sender_code,
    cast(coalesce(previous % 4, 0) as tinyint) as previous_code,
    quotient(previous, 4) as previous_us,
    coalesce(sent_us - quotient(previous, 4) >= session_gap_us, false) as is_cut,
    cast(position as integer) as position
from placed
where
    previous is null
    or sender_code <> previous % 4
    or sent_us - quotient(previous, 4) >= session_gap_us
    or day_no <> previous_day_no
    or is_last
