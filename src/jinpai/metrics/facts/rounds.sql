-- One row per round. capped_wait_us: at most 600 s, and 600 s where unanswered or late.
select
    r.*,
    t.team,
    case
        when r.closed_at is null or r.is_late or r.wait_us > 600000000 then 600000000
        else r.wait_us
    end as capped_wait_us
from rounds as r
left join roster as t on t.shop_id = r.shop_id and t.agent_id = r.agent_id
