-- One row per round, before filters, in the order of its thread. A round opens with the first buyer
-- message after a human's or a session cut, and is closed by the human message that follows its buyer
-- messages in the thread; a session cut between the two makes it late.
select
    thread_no,
    session_no,
    day_no,
    sent_us as open_us,
    position as opened_position,
    reply_us as close_us,
    reply_position as closed_position,
    reply_us - sent_us as wait_us,
    is_cut_off as is_late,
    is_first_in_session
from stretches
where opens_round
