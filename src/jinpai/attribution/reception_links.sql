-- One row per (unfiltered reception, order): the orders of an inquiry's window, and a follow-up's
-- pending order, with who won and who is credited under each rule. The ground of inquiry_order,
-- inquiry_paid and assists, at every level.
select
    t.shop_id,
    t.agent_id,
    t.buyer_id,
    day_date(m.day_no) as day,
    k.kind,
    o.order_id,
    j.created_at,
    j.created_agent_id,
    j.is_paid_in_time,
    j.paid_amount,
    j.created_agent_id as order_agent_id,
    coalesce(j.created_agent_id, j.paid_agent_id) as order_first_agent_id,
    j.paid_agent_id as payment_agent_id,
    m.human_messages > 0 as has_human
from reception_orders as o
inner join reception_kinds as k on k.thread_no = o.thread_no and k.day_no = o.day_no
inner join reception_marks as m on m.thread_no = o.thread_no and m.day_no = o.day_no
inner join threads as t on t.thread_no = o.thread_no
inner join order_verdicts as j on j.order_no = o.order_no
where
    m.filter_reason is null
    and (
        (k.kind = 'inquiry' and o.in_window)
        or (k.kind = 'followup' and o.order_id = k.pending_order_id)
    )
