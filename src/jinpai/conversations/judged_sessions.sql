-- One row per session with its filter: the buyer's mark, else that of the thread's reception on the
-- day the session starts, if that is a mark of the reception.
select
    s.thread_no,
    s.session_no,
    t.shop_id,
    t.agent_no,
    t.agent_key <> '' as has_agent,
    t.buyer_no,
    s.day_no,
    s.start_us,
    s.end_us,
    s.messages,
    s.buyer_messages,
    s.human_messages,
    coalesce(b.filter_reason, m.filter_reason) as filter_reason
from session_spans as s
inner join threads as t on t.thread_no = s.thread_no
left join buyer_marks as b on b.shop_id = t.shop_id and b.buyer_id = t.buyer_id
left join filtered_receptions as m on m.thread_no = s.thread_no and m.day_no = s.day_no
