-- One row per (assist, sale it helped: one credited to another agent, at team level another team). An
-- assist is a reception with a human message that has such a sale and none of its own.
select
    s.shop_id,
    s.agent_id,
    s.team,
    s.buyer_id,
    s.day,
    s.kind,
    s.order_id,
    s.created_at,
    s.credited_agent_id,
    s.paid_amount,
    s.is_own,
    s.is_others
from reception_sales as s
left join (
    select distinct shop_id, coalesce(agent_id, '') as agent_key, buyer_id, day
    from reception_sales
    where is_own
) as o
    on o.shop_id = s.shop_id
    and o.agent_key = coalesce(s.agent_id, '')
    and o.buyer_id = s.buyer_id
    and o.day = s.day
where s.is_others and s.has_human and o.shop_id is null
