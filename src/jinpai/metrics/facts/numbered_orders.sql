-- One row per paid order of a known buyer: its number among the buyer's, by (paid_at, order_id), the
-- day of the one before it (none for the first), and the day of the first.
select
    shop_id,
    order_id,
    buyer_id,
    paid_at,
    paid_day,
    paid_amount,
    agent_id,
    row_number() over orders_of_buyer as order_no,
    lag(paid_day) over orders_of_buyer as previous_day,
    first_value(paid_day) over orders_of_buyer as first_day
from credited_orders
where paid_at is not null and not is_excluded and buyer_id is not null
window orders_of_buyer as (partition by shop_id, buyer_id order by paid_at, order_id)
