-- One row per reception that a filter marks; there are few.
select thread_no, day_no, filter_reason from reception_marks where filter_reason is not null
