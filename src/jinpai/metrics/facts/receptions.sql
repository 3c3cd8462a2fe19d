-- One row per reception, with what its orders make of it at the level asked for (agent, team, shop)
-- under the judge rule asked for.
with linked as (
    select
        l.shop_id,
        l.agent_id,
        l.buyer_id,
        l.day,
        l.kind,
        l.has_human,
        l.is_paid_in_time,
        case $level
            when 'agent' then coalesce(l.agent_id, '') when 'team' then coalesce(a.team, '') else ''
        end as own_key,
        case
            when l.created_agent_id is null then null
            when $level = 'agent' then l.created_agent_id
            when $level = 'team' then coalesce(w.team, '')
        end as winner_key,
        case
            when l.credited_agent_id is null then null
            when $level = 'agent' then l.credited_agent_id
            when $level = 'team' then coalesce(c.team, '')
        end as credited_key
    from (
        select
            *,
            case $judge_rule
                when 'order' then order_agent_id
                when 'order_first' then order_first_agent_id
                else payment_agent_id
            end as credited_agent_id
        from reception_links
    ) as l
    left join roster as a on a.shop_id = l.shop_id and a.agent_id = l.agent_id
    left join roster as w on w.shop_id = l.shop_id and w.agent_id = l.created_agent_id
    left join roster as c on c.shop_id = l.shop_id and c.agent_id = l.credited_agent_id
),

outcomes as (
    select
        shop_id,
        coalesce(agent_id, '') as agent_key,
        buyer_id,
        day,
        bool_or(kind = 'inquiry' and ($level = 'shop' or winner_key is not distinct from own_key))
            as has_order,
        bool_or(
            kind = 'inquiry'
            and is_paid_in_time
            and ($level = 'shop' or credited_key is not distinct from own_key)
        ) as has_paid,
        $level <> 'shop'
        and bool_or(has_human and is_paid_in_time and (credited_key is not null and credited_key is distinct from own_key))
        and not bool_or(is_paid_in_time and credited_key is not distinct from own_key) as is_assist
    from linked
    group by shop_id, coalesce(agent_id, ''), buyer_id, day
)

select
    r.shop_id,
    r.agent_id,
    t.team,
    r.buyer_id,
    r.day,
    r.first_at,
    r.kind,
    r.filter_reason,
    r.pending_order_id,
    r.messages,
    r.buyer_messages,
    r.human_messages,
    r.is_replied,
    r.any_reply_rounds,
    r.any_reply_wait_us,
    r.slow_rounds,
    r.is_slow,
    coalesce(o.has_order, false) as has_order,
    coalesce(o.has_paid, false) as has_paid,
    coalesce(o.is_assist, false) as is_assist
from receptions as r
left join outcomes as o
    on o.shop_id = r.shop_id
    and o.agent_key = coalesce(r.agent_id, '')
    and o.buyer_id = r.buyer_id
    and o.day = r.day
left join roster as t on t.shop_id = r.shop_id and t.agent_id = r.agent_id
