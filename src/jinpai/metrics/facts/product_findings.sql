-- One row per finding that counts and product that its session's messages show.
select
    f.*,
    p.product_id,
    t.team
from session_products as p
inner join findings as f on f.shop_id = p.shop_id and f.session_id = p.session_id
left join roster as t on t.shop_id = f.shop_id and t.agent_id = f.agent_id
where f.is_judged and not f.is_shadow and not f.is_overruled
