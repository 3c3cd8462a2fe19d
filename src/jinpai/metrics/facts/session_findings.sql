-- One row per finding that counts: of a judged session, by no rule on trial, overruled by no appeal.
select
    f.*,
    t.team
from findings as f
left join roster as t on t.shop_id = f.shop_id and t.agent_id = f.agent_id
where f.is_judged and not f.is_shadow and not f.is_overruled
