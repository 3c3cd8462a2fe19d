-- One row per round formed on all non-system messages: any agent, auto or robot message closes it.
-- Only the closed ones are kept; nothing is asked of the others.
with opened as (
    select
        thread_no,
        session_no,
        replies_before,
        min(sent_us) as open_us,
        min(day_no) as day_no,
        min(position) as opened_position
    from counted_messages
    where sender_code = 1
    group by thread_no, session_no, replies_before
),

closers as (
    select thread_no, replies_before, sent_us as close_us, position as closed_position
    from counted_messages
    where sender_code <> 1
)

select
    o.thread_no,
    o.day_no,
    o.open_us,
    o.opened_position,
    c.close_us,
    c.closed_position,
    c.close_us - o.open_us as wait_us
from opened as o
inner join closers as c on c.thread_no = o.thread_no and c.replies_before = o.replies_before
