-- One row per session of a thread, before filters.
select
    m.thread_no,
    m.session_no,
    min(m.sent_us) as start_us,
    max(m.sent_us) as end_us,
    min(m.day_no) as day_no,
    min(case when m.sender_code = 1 then m.position end) as first_buyer_position,
    count(*) as messages,
    count(case when m.sender_code = 1 then 1 end) as buyer_messages,
    count(case when m.sender_code = 2 then 1 end) as human_messages
from counted_messages as m
group by m.thread_no, m.session_no
