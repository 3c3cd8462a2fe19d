-- One row per agent message whose text is one of the shop's auto_reply_texts or starts with one of
-- its auto_reply_prefixes.
select distinct m.shop_id, m.message_id
from messages as m
inner join setting_texts as t
    on t.shop_id = m.shop_id
    and (
        (t.setting = 'auto_reply_texts' and m.text = t.text)
        or (t.setting = 'auto_reply_prefixes' and starts(m.text, t.text))
    )
where m.sender = 'agent'
