-- One row per (order, moment at which a winner is asked for): 'created', and 'paid' where it was.
-- Excluded orders and orders without a buyer have no winner.
select shop_id, order_no, buyer_no, 'created' as moment, created_us as at_us
from order_facts
where not is_excluded and buyer_no is not null
union all
select shop_id, order_no, buyer_no, 'paid' as moment, paid_us as at_us
from order_facts
where not is_excluded and buyer_no is not null and paid_us is not null
