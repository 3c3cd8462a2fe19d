-- One row per session. concurrency: unfiltered sessions of the agent open when this one starts
-- (null for a filtered session).
select
    t.shop_id,
    t.agent_id,
    t.buyer_id,
    day_date(s.day_no) as day,
    s.session_no,
    instant(s.start_us) as started_at,
    instant(s.end_us) as ended_at,
    s.messages,
    s.buyer_messages,
    s.human_messages,
    s.human_messages > 0 as is_attended,
    s.human_messages > 0 and s.buyer_messages > 0 as is_two_sided,
    s.filter_reason,
    l.concurrency
from judged_sessions as s
inner join threads as t on t.thread_no = s.thread_no
left join session_load as l on l.thread_no = s.thread_no and l.session_no = s.session_no
