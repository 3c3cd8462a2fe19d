-- One row per (filter, agent): receptions of the period that the filter took out, and their buyers.
select filter_reason, agent_id, count(*) as receptions, count(distinct buyer_id) as buyers
from receptions
where
    shop_id = $shop_id
    and day >= $first
    and day <= $last
    and filter_reason is not null
group by filter_reason, agent_id
