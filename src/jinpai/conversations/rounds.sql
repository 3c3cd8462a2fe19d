-- One row per round. wait_us is uncut (close - open), null while unanswered; a late round is
-- unanswered for the cut metrics. duty_wait_us: the part of wait_us inside duty_hours, null when the
-- wait has no part there. in_platform_hours: opened inside [platform_from, platform_to) wall clock.
with placed as (
    select
        p.*,
        t.shop_id,
        t.agent_id,
        t.buyer_id,
        m.filter_reason,
        r.has_duty_hours,
        r.platform_from_us,
        r.platform_to_us,
        (p.open_us + c.wall_shift_us) % 86400000000 as wall_us
    from round_spans as p
    inner join threads as t on t.thread_no = p.thread_no
    inner join run_shops as r on r.shop_id = t.shop_id
    inner join reception_marks as m on m.thread_no = p.thread_no and m.day_no = p.day_no
    inner join shop_clock as c
        on c.shop_id = t.shop_id and p.open_us >= c.from_us and p.open_us < c.to_us
),

duty as (
    select
        p.thread_no,
        p.opened_position,
        a.is_open as opened_on_duty,
        b.cum_open_us + case when b.is_open then p.close_us - b.from_us else 0 end
        - a.cum_open_us - case when a.is_open then p.open_us - a.from_us else 0 end as duty_us
    from placed as p
    inner join duty_marks as a
        on a.shop_id = p.shop_id
        and a.bucket = day_number(p.open_us)
        and p.open_us >= a.from_us and p.open_us < a.to_us
    inner join duty_marks as b
        on b.shop_id = p.shop_id
        and b.bucket = day_number(p.close_us)
        and p.close_us >= b.from_us and p.close_us < b.to_us
    where p.has_duty_hours
)

select
    p.shop_id,
    p.agent_id,
    p.buyer_id,
    day_date(p.day_no) as day,
    p.session_no,
    instant(p.open_us) as opened_at,
    instant(p.close_us) as closed_at,
    p.wait_us,
    case
        when not p.has_duty_hours then p.wait_us
        when d.duty_us > 0 or (p.wait_us = 0 and d.opened_on_duty) then d.duty_us
    end as duty_wait_us,
    p.is_late,
    p.is_first_in_session,
    p.wall_us >= p.platform_from_us and p.wall_us < p.platform_to_us as in_platform_hours,
    p.opened_position,
    p.closed_position,
    p.filter_reason
from placed as p
left join duty as d
    on d.thread_no = p.thread_no and d.opened_position = p.opened_position
