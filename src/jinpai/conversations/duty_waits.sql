-- One row per closed round of a shop with duty_hours: the part of its wait inside them, and whether
-- it opened inside.
select
    p.thread_no,
    p.opened_position,
    a.is_open as is_opened_on_duty,
    b.cum_open_us + case when b.is_open then p.close_us - b.from_us else 0 end
    - a.cum_open_us - case when a.is_open then p.open_us - a.from_us else 0 end as duty_us
from round_spans as p
inner join threads as t on t.thread_no = p.thread_no
inner join duty_marks as a
    on a.shop_id = t.shop_id
    and a.bucket = day_number(p.open_us)
    and p.open_us >= a.from_us and p.open_us < a.to_us
inner join duty_marks as b
    on b.shop_id = t.shop_id
    and b.bucket = day_number(p.close_us)
    and p.close_us >= b.from_us and p.close_us < b.to_us
