-- One row per round, before filters. A round is closed by the human message that follows its
-- buyer messages in the thread; a session cut between the two makes it late.
with opened as (
    select
        thread_no,
        session_no,
        reply_position as closed_position,
        min(sent_us) as open_us,
        min(day_no) as day_no,
        min(position) as opened_position,
        min(reply_us) as close_us,
        max(case when is_cut_off then 1 else 0 end) = 1 as is_late
    from stretches
    where sender_code = 1
    group by thread_no, session_no, reply_position
)

select
    o.thread_no,
    o.session_no,
    o.day_no,
    o.open_us,
    o.opened_position,
    o.close_us,
    o.closed_position,
    o.close_us - o.open_us as wait_us,
    o.is_late,
    o.opened_position = s.first_buyer_position as is_first_in_session
from opened as o
inner join session_spans as s on s.thread_no = o.thread_no and s.session_no = o.session_no
