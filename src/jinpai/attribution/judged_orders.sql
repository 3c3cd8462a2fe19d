-- One row per order that exists at as_of, with the winner at each moment, without the run's own key.
select
    shop_id,
    order_id,
    buyer_id,
    created_at,
    paid_at,
    created_day,
    paid_day,
    created_agent_id,
    paid_agent_id,
    paid_amount,
    units,
    refunded_amount,
    is_excluded,
    is_paid_in_time
from order_verdicts
