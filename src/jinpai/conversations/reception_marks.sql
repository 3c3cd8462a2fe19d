-- One row per reception with what was counted that day and the first filter that applies, or null.
select
    d.thread_no,
    d.day_no,
    t.shop_id,
    t.buyer_no,
    d.first_us,
    d.messages,
    d.buyer_messages,
    d.human_messages,
    d.is_replied,
    d.any_reply_rounds,
    d.any_reply_wait_us,
    d.answered_us,
    case
        when b.filter_reason is not null then b.filter_reason
        when a.thread_no is not null and d.messages < r.ad_max_messages then 'advertisement'
        when r.one_sentence and d.buyer_messages = 1 and d.messages < r.one_sentence_max
            then 'one_sentence'
    end as filter_reason
from reception_days as d
inner join threads as t on t.thread_no = d.thread_no
inner join run_shops as r on r.shop_id = t.shop_id
left join buyer_marks as b on b.shop_id = t.shop_id and b.buyer_id = t.buyer_id
left join ad_receptions as a on a.thread_no = d.thread_no and a.day_no = d.day_no
