-- One row per message that exists at as_of, system notices left out. thread_no is a key within the run.
-- sender_code: 1 buyer, 2 human (sender agent, not auto), 3 auto or robot.
select
    key_of(r.salt, m.shop_id, m.buyer_id, coalesce(m.agent_id, '')) as thread_no,
    m.buyer_id,
    us(m.sent_at) as sent_us,
    m.seq,
    m.message_id,
    case
        when m.sender = 'buyer' then 1
        when m.sender = 'agent' and not coalesce(m.is_auto, false) and not m.is_auto_text then 2
        else 3
    end as sender_code,
    r.session_gap_us,
    day_number(us(m.sent_at) + c.day_shift_us) as day_no
from marked_messages as m
inner join run_shops as r on r.shop_id = m.shop_id
inner join shop_clock as c
    on c.shop_id = m.shop_id and us(m.sent_at) >= c.from_us and us(m.sent_at) < c.to_us
where m.sender <> 'system' and us(m.sent_at) <= r.as_of_us
