-- One row per reception of a buyer with no order paid before its first message.
select r.*
from judged_receptions as r
left join (
    select shop_id, buyer_id, min(paid_at) as first_paid_at
    from judged_orders
    where paid_at is not null and not is_excluded
    group by shop_id, buyer_id
) as p
    on p.shop_id = r.shop_id and p.buyer_id = r.buyer_id
where p.first_paid_at is null or p.first_paid_at >= r.first_at
