-- One row per reception with an order that matters to its kind (the others are inquiries): its kind,
-- and for a follow-up its pending order (latest created, then smallest order_id).
with facts as (
    select
        thread_no,
        day_no,
        bool_or(in_window) as has_inquiry_order,
        bool_or(is_recent_sale) as has_recent_sale,
        bool_or(is_pending) as has_pending
    from reception_orders
    group by thread_no, day_no
),

pending as (
    select
        thread_no,
        day_no,
        order_id,
        row_number() over (
            partition by thread_no, day_no order by created_us desc, order_id
        ) as place
    from reception_orders
    where is_pending
)

select
    f.thread_no,
    f.day_no,
    case
        when f.has_inquiry_order then 'inquiry'
        when f.has_recent_sale then 'aftersale'
        when f.has_pending then 'followup'
        else 'inquiry'
    end as kind,
    case
        when not f.has_inquiry_order and not f.has_recent_sale and f.has_pending then p.order_id
    end as pending_order_id
from facts as f
left join pending as p
    on p.thread_no = f.thread_no and p.day_no = f.day_no and p.place = 1
