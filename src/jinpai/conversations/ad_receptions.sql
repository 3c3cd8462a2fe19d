-- One row per (thread, local day) in which a buyer message contains one of the shop's ad_phrases.
select distinct
    key_of(r.salt, m.shop_id, m.buyer_id, coalesce(m.agent_id, '')) as thread_no,
    day_number(us(m.sent_at) + c.day_shift_us) as day_no
from messages as m
inner join run_shops as r on r.shop_id = m.shop_id
inner join setting_texts as t
    on t.shop_id = m.shop_id and t.setting = 'ad_phrases' and has_text(m.text, t.text)
inner join shop_clock as c
    on c.shop_id = m.shop_id and us(m.sent_at) >= c.from_us and us(m.sent_at) < c.to_us
where m.sender = 'buyer' and us(m.sent_at) <= r.as_of_us
