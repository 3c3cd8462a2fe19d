-- One row per inspected session: what its findings come to.
select
    shop_id,
    case when agent_key <> '' then agent_key end as agent_id,
    buyer_id,
    day,
    session_no,
    session_id,
    instant(start_us) as started_at,
    instant(end_us) as ended_at,
    is_judged,
    score,
    faults,
    merits,
    is_fatal
from inspected
where rule is null and product_id is null
