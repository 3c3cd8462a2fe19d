-- One row per session that is inspected: unfiltered, of a shop that wants it.
select
    s.shop_id,
    s.agent_id,
    coalesce(s.agent_id, '') as agent_key,
    s.buyer_id,
    s.day,
    s.session_no,
    us(s.started_at) as start_us,
    us(s.ended_at) as end_us,
    a.role as agent_role,
    r.as_of_us,
    r.session_gap_us
from sessions as s
inner join run_shops as r on r.shop_id = s.shop_id
left join roster as a on a.shop_id = s.shop_id and a.agent_id = s.agent_id
where s.filter_reason is null and r.is_inspected
