-- One row per session of a thread, before filters.
select
    thread_no,
    session_no,
    min(sent_us) as start_us,
    max(end_us) as end_us,
    min(day_no) as day_no,
    cast(sum(messages) as bigint) as messages,
    cast(sum(case when sender_code = 1 then messages else 0 end) as bigint) as buyer_messages,
    cast(sum(case when sender_code = 2 then messages else 0 end) as bigint) as human_messages
from stretches
group by thread_no, session_no
