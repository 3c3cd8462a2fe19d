-- One row per session, on the day it starts.
select s.*, t.team
from sessions as s
left join roster as t on t.shop_id = s.shop_id and t.agent_id = s.agent_id
