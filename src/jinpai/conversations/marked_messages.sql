-- One row per message, with whether its text is one of the shop's auto replies.
select m.*, a.message_id is not null as is_auto_text
from messages as m
left join auto_replies as a on a.shop_id = m.shop_id and a.message_id = m.message_id
