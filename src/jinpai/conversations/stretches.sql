-- Second window pass, everything cumulative. One row per stretch: consecutive messages of one sender,
-- session and local day (a thread's last message is a stretch of its own).
-- humans_before, replies_before: stretches of humans, of anyone but the buyer, earlier in the thread:
-- a buyer's stretch is answered by the one that has as many before it.
with turns as (
    select a.thread_no, a.sent_us, a.day_no, a.sender_code, a.previous_code, a.previous_us, a.is_cut, a.position
    from turns_by_time as a
    left join tied_threads as t on t.thread_no = a.thread_no
    where t.thread_no is null
    union all
    select thread_no, sent_us, day_no, sender_code, previous_code, previous_us, is_cut, position
    from turns_by_id
),

counted as (
    select
        thread_no,
        sent_us,
        day_no,
        sender_code,
        previous_code,
        is_cut,
        position,
        coalesce(lead(previous_us) over thread, sent_us) as end_us,
        coalesce(lead(position) over thread, position + 1) - position as messages,
        sum(case when is_cut then 1 else 0 end) over (
            partition by thread_no order by position rows between unbounded preceding and current row
        ) as session_no,
        -- humans * 2^32 + anyone but the buyer, this one included: one sum costs half of two.
        cast(
            sum(case sender_code when 1 then 0 when 2 then 4294967297 else 1 end) over (
                partition by thread_no order by position
                rows between unbounded preceding and current row
            ) as bigint
        ) as answers
    from turns
    window thread as (partition by thread_no order by position)
)

select
    thread_no,
    sent_us,
    day_no,
    sender_code,
    previous_code,
    is_cut,
    position,
    end_us,
    messages,
    cast(session_no as integer) as session_no,
    cast(quotient(answers, 4294967296) as integer)
    - case when sender_code = 2 then 1 else 0 end as humans_before,
    cast(answers % 4294967296 as integer)
    - case when sender_code <> 1 then 1 else 0 end as replies_before
from counted
