-- One row per closed round formed on all non-system messages.
select r.*, t.team
from any_reply_rounds as r
left join roster as t on t.shop_id = r.shop_id and t.agent_id = r.agent_id
