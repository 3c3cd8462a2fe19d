-- One row per finding of an inspected session.
select
    finding_id,
    shop_id,
    case when agent_key <> '' then agent_key end as agent_id,
    buyer_id,
    day,
    session_no,
    session_id,
    is_judged,
    instant(start_us) as started_at,
    instant(end_us) as ended_at,
    rule,
    rule_version,
    rule_group,
    severity,
    points,
    is_merit,
    is_fatal,
    is_shadow,
    is_overruled,
    order_id,
    reason_zh,
    reason_en,
    evidence
from inspected
where rule is not null
