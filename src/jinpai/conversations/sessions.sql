-- One row per session. concurrency: unfiltered sessions of the agent open when this one starts
-- (null for a filtered session).
select
    s.shop_id,
    s.agent_id,
    s.buyer_id,
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
left join session_load as l
    on l.shop_id = s.shop_id
    and l.agent_key = s.agent_key
    and l.at_us = s.start_us
    and s.filter_reason is null
