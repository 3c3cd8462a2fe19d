-- One row per reception with closed rounds of any reply: rounds formed on all non-system messages,
-- where any agent, auto or robot message closes a round. Such a round opens with a buyer message that
-- follows no other in its session, and closes with the next message that is no buyer's. It belongs to
-- the day it opens on.
select
    o.thread_no,
    o.day_no,
    count(*) as any_reply_rounds,
    cast(sum(c.sent_us - o.sent_us) as bigint) as any_reply_wait_us
from stretches as o
inner join stretches as c
    on c.thread_no = o.thread_no and c.replies_before = o.replies_before and c.sender_code <> 1
where o.sender_code = 1 and (o.previous_code <> 1 or o.is_cut)
group by o.thread_no, o.day_no
