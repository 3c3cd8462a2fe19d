-- First window pass. One row per visible message: its place in the thread and whether a session
-- is cut before it (gap >= session_gap).
select
    t.thread_no,
    m.sent_us,
    m.day_no,
    m.sender_code,
    row_number() over thread as position,
    coalesce(m.sent_us - lag(m.sent_us) over thread >= m.session_gap_us, false) as is_cut
from visible_messages as m
inner join threads as t
    on t.shop_id = m.shop_id and t.buyer_id = m.buyer_id and t.agent_key = m.agent_key
window thread as (
    partition by t.thread_no order by m.sent_us, m.seq asc nulls last, m.message_id
)
