-- One row per (order, moment, session of its buyer near it). Near: the session touches the order
-- window, the window of the same length before it, or the one after the moment.
-- exclusion: why the session is no candidate, null for a candidate.
select
    o.order_no,
    o.moment,
    o.at_us,
    s.agent_no,
    s.start_us,
    s.end_us,
    s.start_us <= o.at_us and s.end_us >= o.at_us as is_covering,
    case
        when s.filter_reason is not null then 'filtered'
        when not s.has_agent then 'unassigned'
        when s.human_messages = 0 then 'unattended'
        when r.two_sided and s.buyer_messages = 0 then 'one_sided'
        when s.start_us > o.at_us or s.end_us < o.at_us - r.order_window_us then 'out_of_window'
    end as exclusion
from order_moments as o
inner join run_shops as r on r.shop_id = o.shop_id
inner join judged_sessions as s
    on s.buyer_no = o.buyer_no
    and s.start_us <= o.at_us + r.order_window_us
    and s.end_us >= o.at_us - 2 * r.order_window_us
