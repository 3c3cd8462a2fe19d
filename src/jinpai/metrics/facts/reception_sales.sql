-- One row per (unfiltered reception, sale of its window paid in time), with whether it is credited
-- to the reception's own agent (team) or to another.
with linked as (
    select
        l.*,
        case $judge_rule
            when 'order' then l.order_agent_id
            when 'order_first' then l.order_first_agent_id
            else l.payment_agent_id
        end as credited_agent_id
    from reception_links as l
    where l.is_paid_in_time
),

keyed as (
    select
        l.*,
        a.team,
        case when $level = 'team' then coalesce(a.team, '') else coalesce(l.agent_id, '') end
            as own_key,
        case
            when l.credited_agent_id is null then null
            when $level = 'team' then coalesce(c.team, '')
            else l.credited_agent_id
        end as credited_key
    from linked as l
    left join roster as a on a.shop_id = l.shop_id and a.agent_id = l.agent_id
    left join roster as c on c.shop_id = l.shop_id and c.agent_id = l.credited_agent_id
)

select
    shop_id,
    agent_id,
    team,
    buyer_id,
    day,
    kind,
    order_id,
    created_at,
    credited_agent_id,
    paid_amount,
    has_human,
    credited_key is not distinct from own_key as is_own,
    credited_key is not null and credited_key is distinct from own_key as is_others
from keyed
