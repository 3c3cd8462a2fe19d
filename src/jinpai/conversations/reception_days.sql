-- One row per (thread, local day) with at least one buyer message, before filters and kind.
select
    thread_no,
    day_no,
    cast(sum(messages) as bigint) as messages,
    cast(sum(case when sender_code = 1 then messages else 0 end) as bigint) as buyer_messages,
    cast(sum(case when sender_code = 2 then messages else 0 end) as bigint) as human_messages,
    min(case when sender_code = 1 then sent_us end) as first_us,
    coalesce(
        max(case when sender_code = 2 then position end)
        > min(case when sender_code = 1 then position end),
        false
    ) as is_replied
from stretches
group by thread_no, day_no
having count(case when sender_code = 1 then 1 end) > 0
