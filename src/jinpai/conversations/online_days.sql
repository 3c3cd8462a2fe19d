-- One row per (account, local day) on which the account was seen online: microseconds online.
select
    o.shop_id,
    o.agent_id,
    day_date(d.day_no) as day,
    cast(
        sum(least_of(o.end_us, d.end_us) - greatest_of(o.start_us, d.start_us)) as bigint
    ) as online_us
from online_spans as o
inner join shop_days as d
    on d.shop_id = o.shop_id
    and o.start_us < d.end_us
    and (o.end_us > d.start_us or (o.end_us = o.start_us and o.start_us = d.start_us))
group by o.shop_id, o.agent_id, d.day_no
