-- One row per (reception, order of its buyer) that matters to the reception's kind.
-- in_window: created at or after first_at, by the end of the inquiry window.
-- is_recent_sale: paid in [first_at - aftersale_days, first_at).
-- is_pending: created in [first_at - followup_window, first_at), neither paid nor closed before first_at.
select
    d.thread_no,
    d.day_no,
    o.order_no,
    o.order_id,
    o.created_us,
    o.created_us >= d.first_us and o.created_day_no <= d.day_no + r.inquiry_days - 1 as in_window,
    coalesce(o.paid_us < d.first_us and o.paid_us >= d.first_us - r.aftersale_us, false)
        as is_recent_sale,
    o.created_us < d.first_us
    and o.created_us >= d.first_us - r.followup_us
    and not coalesce(o.paid_us < d.first_us, false)
    and not coalesce(o.closed_us < d.first_us, false) as is_pending
from reception_marks as d
inner join run_shops as r on r.shop_id = d.shop_id
inner join order_facts as o
    on o.buyer_no = d.buyer_no and not o.is_excluded
where
    (o.created_us >= d.first_us and o.created_day_no <= d.day_no + r.inquiry_days - 1)
    or (o.paid_us < d.first_us and o.paid_us >= d.first_us - r.aftersale_us)
    or (o.created_us < d.first_us and o.created_us >= d.first_us - r.followup_us)
