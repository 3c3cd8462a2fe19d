-- One row per order that exists at as_of, with the agent credited with it under the judge rule asked
-- for: nobody while it is unpaid, silent or excluded.
select
    shop_id,
    order_id,
    buyer_id,
    paid_at,
    paid_day,
    paid_amount,
    is_excluded,
    case
        when paid_at is null or is_excluded then null
        when $judge_rule = 'order' then created_agent_id
        when $judge_rule = 'order_first' then coalesce(created_agent_id, paid_agent_id)
        else paid_agent_id
    end as agent_id
from judged_orders
