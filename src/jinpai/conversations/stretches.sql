-- Second window pass, everything cumulative. One row per stretch: consecutive messages of one sender,
-- session and local day (a thread's last message is a stretch of its own).
-- any_reply_us: when anyone but the buyer writes next. Of the buyer's alone: reply_us and reply_position,
-- the human's stretch that answers it; is_cut_off: a session cut lies before that; opens_round: a human's
-- stretch or a cut lies between it and the buyer's stretch before; is_first_in_session: the buyer's first.
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
        lead(case when sender_code <> 1 then sent_us end ignore nulls) over thread as any_reply_us,
        lead(case when sender_code = 2 then sent_us end ignore nulls) over thread as reply_us,
        lead(case when sender_code = 2 then position end ignore nulls) over thread as reply_position,
        lead(case when is_cut then position end ignore nulls) over thread as next_cut_position,
        lag(case when sender_code = 1 then 1 when sender_code = 2 or is_cut then 2 end ignore nulls) over thread
            as last_in_round,
        lag(case when sender_code = 1 then 1 when is_cut then 2 end ignore nulls) over thread as last_in_session
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
    any_reply_us,
    case when sender_code = 1 then reply_us end as reply_us,
    case when sender_code = 1 then reply_position end as reply_position,
    sender_code = 1 and coalesce(next_cut_position <= reply_position, false) as is_cut_off,
    sender_code = 1 and (is_cut or coalesce(last_in_round, 2) = 2) as opens_round,
    sender_code = 1 and (is_cut or coalesce(last_in_session, 2) = 2) as is_first_in_session
from counted
