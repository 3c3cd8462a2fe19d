-- One row per (account, day) on which the account was active by its agents row or seen online.
-- A shop without any online data has none, so that its figure is null and not 0.
with present as (
    select r.shop_id, r.agent_id, d.day
    from roster as r
    inner join cell_days as d
        on d.shop_id = r.shop_id
        and (r.active_from is null or d.day >= r.active_from)
        and (r.active_to is null or d.day <= r.active_to)
    union
    select o.shop_id, o.agent_id, o.day
    from online_days as o
),

known as (select distinct shop_id from online_days)

select
    p.shop_id,
    p.agent_id,
    t.team,
    p.day,
    coalesce(o.online_us, 0) as online_us
from present as p
left join online_days as o
    on o.shop_id = p.shop_id and o.agent_id = p.agent_id and o.day = p.day
inner join known as k on k.shop_id = p.shop_id
left join roster as t on t.shop_id = p.shop_id and t.agent_id = p.agent_id
