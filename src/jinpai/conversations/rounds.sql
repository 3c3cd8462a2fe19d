-- One row per round. wait_us is uncut (close - open), null while unanswered; a late round is
-- unanswered for the cut metrics. duty_wait_us: the part of wait_us inside duty_hours, null when the
-- wait has no part there. in_platform_hours: opened inside [platform_from, platform_to) wall clock.
-- Every instant has one row of the clock; an inner join by range would be thought to leave few rows.
select
    t.shop_id,
    t.agent_id,
    t.buyer_id,
    day_date(p.day_no) as day,
    p.session_no,
    instant(p.open_us) as opened_at,
    instant(p.close_us) as closed_at,
    p.wait_us,
    case
        when not r.has_duty_hours then p.wait_us
        when d.duty_us > 0 or (p.wait_us = 0 and d.is_opened_on_duty) then d.duty_us
    end as duty_wait_us,
    p.is_late,
    p.is_first_in_session,
    (p.open_us + c.wall_shift_us) % 86400000000 >= r.platform_from_us
    and (p.open_us + c.wall_shift_us) % 86400000000 < r.platform_to_us as in_platform_hours,
    p.opened_position,
    p.closed_position,
    m.filter_reason
from round_spans as p
inner join threads as t on t.thread_no = p.thread_no
inner join run_shops as r on r.shop_id = t.shop_id
left join shop_clock as c
    on c.shop_id = t.shop_id and p.open_us >= c.from_us and p.open_us < c.to_us
left join duty_waits as d
    on d.thread_no = p.thread_no and d.opened_position = p.opened_position
left join filtered_receptions as m on m.thread_no = p.thread_no and m.day_no = p.day_no
