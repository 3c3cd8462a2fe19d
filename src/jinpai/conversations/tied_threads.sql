-- One row per thread in which two messages share time and seq.
select distinct thread_no from turns_by_time where is_tied
