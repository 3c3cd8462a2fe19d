-- One row per order that exists at as_of, with the winner at each moment; order_no is a key within the run.
select
    o.order_no,
    o.shop_id,
    o.order_id,
    o.buyer_id,
    instant(o.created_us) as created_at,
    instant(o.paid_us) as paid_at,
    day_date(o.created_day_no) as created_day,
    day_date(o.paid_day_no) as paid_day,
    c.agent_id as created_agent_id,
    p.agent_id as paid_agent_id,
    o.paid_amount,
    o.units,
    o.refunded_amount,
    o.is_excluded,
    coalesce(o.paid_us - o.created_us <= r.payment_us, false) as is_paid_in_time
from order_facts as o
inner join run_shops as r on r.shop_id = o.shop_id
left join winners as c on c.order_no = o.order_no and c.moment = 'created'
left join winners as p on p.order_no = o.order_no and p.moment = 'paid'
