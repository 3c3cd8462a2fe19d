-- One row per reception with closed rounds of any reply: rounds formed on all non-system messages,
-- where any agent, auto or robot message closes a round. Such a round opens with a buyer message that
-- follows no other in its session, and closes with the next message that is no buyer's. It belongs to
-- the day it opens on.
with openers as (
    select thread_no, replies_before, day_no, sent_us as open_us
    from counted_messages
    where sender_code = 1 and (previous_code <> 1 or is_cut)
),

closers as (
    select thread_no, replies_before, sent_us as close_us
    from counted_messages
    where sender_code <> 1 and previous_code = 1
)

select
    o.thread_no,
    o.day_no,
    count(*) as any_reply_rounds,
    cast(sum(c.close_us - o.open_us) as bigint) as any_reply_wait_us
from openers as o
inner join closers as c on c.thread_no = o.thread_no and c.replies_before = o.replies_before
group by o.thread_no, o.day_no
