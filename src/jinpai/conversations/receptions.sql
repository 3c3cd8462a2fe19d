-- One row per reception: (shop, agent, buyer, local day) with at least one buyer message.
-- any_reply_*: closed rounds that opened that day, counted with auto and robot messages as answers.
-- answered_at: when a human wrote next after the buyer's last message of the day, null while nobody has;
-- until then what is counted here may change.
with slow as (
    select
        p.thread_no,
        p.day_no,
        count(case when p.wait_us > r.slow_us then 1 end) as slow_rounds
    from round_spans as p
    inner join threads as t on t.thread_no = p.thread_no
    inner join run_shops as r on r.shop_id = t.shop_id
    where p.wait_us > (select min(slow_us) from run_shops)
    group by p.thread_no, p.day_no
)

select
    t.shop_id,
    t.agent_id,
    t.buyer_id,
    day_date(d.day_no) as day,
    instant(d.first_us) as first_at,
    coalesce(k.kind, 'inquiry') as kind,
    d.filter_reason,
    k.pending_order_id,
    d.messages,
    d.buyer_messages,
    d.human_messages,
    d.is_replied,
    d.any_reply_rounds,
    d.any_reply_wait_us,
    instant(d.answered_us) as answered_at,
    coalesce(s.slow_rounds, 0) as slow_rounds,
    coalesce(s.slow_rounds, 0) >= r.slow_times as is_slow
from reception_marks as d
inner join threads as t on t.thread_no = d.thread_no
inner join run_shops as r on r.shop_id = t.shop_id
left join reception_kinds as k on k.thread_no = d.thread_no and k.day_no = d.day_no
left join slow as s on s.thread_no = d.thread_no and s.day_no = d.day_no
