-- One row per (thread, local day) with at least one buyer message, before filters and kind.
-- any_reply_*: closed rounds of any reply, formed on all non-system messages, where any agent, auto or
-- robot message closes a round. Such a round opens with a buyer message that follows no other in its
-- session, and closes with the next message that is no buyer's. It belongs to the day it opens on.
-- answered_us: when a human wrote next after the buyer's last message of the day.
with marked as (
    select
        *,
        case
            when sender_code = 1 and (previous_code <> 1 or is_cut) then any_reply_us - sent_us
        end as any_reply_wait_us
    from stretches
)

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
    ) as is_replied,
    count(any_reply_wait_us) as any_reply_rounds,
    cast(coalesce(sum(any_reply_wait_us), 0) as bigint) as any_reply_wait_us,
    case
        when count(reply_us) = count(case when sender_code = 1 then 1 end) then max(reply_us)
    end as answered_us
from marked
group by thread_no, day_no
having count(case when sender_code = 1 then 1 end) > 0
