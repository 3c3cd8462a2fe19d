-- One row per closed round formed on all non-system messages.
select
    t.shop_id,
    t.agent_id,
    t.buyer_id,
    day_date(p.day_no) as day,
    instant(p.open_us) as opened_at,
    instant(p.close_us) as closed_at,
    p.wait_us,
    p.opened_position,
    p.closed_position,
    m.filter_reason
from any_reply_spans as p
inner join threads as t on t.thread_no = p.thread_no
inner join reception_marks as m on m.thread_no = p.thread_no and m.day_no = p.day_no
