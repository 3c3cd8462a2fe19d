-- One row per (order, moment, session that could have won it): of the order's buyer, unfiltered,
-- attended, two-sided where that is asked, and touching the order window before the moment.
select
    o.order_no,
    o.moment,
    s.agent_no,
    s.start_us,
    s.end_us,
    s.end_us >= o.at_us as is_covering
from order_moments as o
inner join run_shops as r on r.shop_id = o.shop_id
inner join judged_sessions as s
    on s.buyer_no = o.buyer_no
    and s.start_us <= o.at_us
    and s.end_us >= o.at_us - r.order_window_us
where
    s.filter_reason is null
    and s.has_agent
    and s.human_messages > 0
    and (s.buyer_messages > 0 or not r.two_sided)
