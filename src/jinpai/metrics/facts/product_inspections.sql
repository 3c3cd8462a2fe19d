-- One row per inspected session and product that its messages show.
select
    s.*,
    p.product_id,
    s.faults > 0 as is_faulty,
    cast(s.score as decimal(18, 2)) as score_amount,
    t.team
from session_products as p
inner join session_scores as s on s.shop_id = p.shop_id and s.session_id = p.session_id
left join roster as t on t.shop_id = s.shop_id and t.agent_id = s.agent_id
