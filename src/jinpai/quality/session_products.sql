-- One row per inspected session and product that its messages show.
select
    shop_id,
    case when agent_key <> '' then agent_key end as agent_id,
    buyer_id,
    day,
    session_id,
    product_id
from inspected
where product_id is not null
