-- One row per message of an inspected session, per transfer out of one, and per order of a buyer who
-- has one (start_us -1). place: order among lines of one instant. buyer_no: brings a buyer's lines
-- together; two may share one.
with seen_buyers as (
    select distinct shop_id, buyer_id, as_of_us
    from inspected_sessions
)

select
    key_of('', s.shop_id, s.buyer_id, '') as buyer_no,
    s.shop_id,
    s.buyer_id,
    s.agent_key,
    s.start_us,
    s.end_us,
    s.day,
    s.session_no,
    s.agent_role,
    s.as_of_us,
    case
        when m.sender <> 'agent' then m.sender
        when coalesce(m.is_auto, false) or m.is_auto_text then 'robot'
        else 'agent'
    end as role,
    us(m.sent_at) as at_us,
    coalesce(m.seq, 9223372036854775807) as place,
    m.message_id as line_id,
    m.kind,
    m.text,
    m.product_id,
    p.category,
    p.attributes,
    cast(null as bigint) as paid_us,
    cast(null as bigint) as closed_us
from inspected_sessions as s
inner join marked_messages as m
    on m.shop_id = s.shop_id
    and m.buyer_id = s.buyer_id
    and coalesce(m.agent_id, '') = s.agent_key
    and us(m.sent_at) >= s.start_us
    and us(m.sent_at) <= s.end_us
left join products as p on p.shop_id = m.shop_id and p.product_id = m.product_id
where m.sender <> 'system'
union all
select
    key_of('', s.shop_id, s.buyer_id, '') as buyer_no,
    s.shop_id,
    s.buyer_id,
    s.agent_key,
    s.start_us,
    s.end_us,
    s.day,
    s.session_no,
    s.agent_role,
    s.as_of_us,
    'transfer' as role,
    us(t.at) as at_us,
    9223372036854775807 as place,
    t.transfer_id as line_id,
    null as kind,
    null as text,
    null as product_id,
    null as category,
    null as attributes,
    null as paid_us,
    null as closed_us
from inspected_sessions as s
inner join transfers as t
    on t.shop_id = s.shop_id
    and t.buyer_id = s.buyer_id
    and t.from_agent_id = s.agent_key
    and us(t.at) >= s.start_us
    and us(t.at) < s.end_us + s.session_gap_us
    and us(t.at) <= s.as_of_us
union all
select
    key_of('', b.shop_id, b.buyer_id, '') as buyer_no,
    b.shop_id,
    b.buyer_id,
    '' as agent_key,
    -1 as start_us,
    -1 as end_us,
    day_date(0) as day,
    null as session_no,
    null as agent_role,
    b.as_of_us,
    'order' as role,
    us(o.created_at) as at_us,
    0 as place,
    o.order_id as line_id,
    null as kind,
    null as text,
    null as product_id,
    null as category,
    null as attributes,
    case when us(o.paid_at) <= b.as_of_us then us(o.paid_at) end as paid_us,
    case when us(o.closed_at) <= b.as_of_us then us(o.closed_at) end as closed_us
from seen_buyers as b
inner join orders as o on o.shop_id = b.shop_id and o.buyer_id = b.buyer_id
left join setting_texts as x
    on x.shop_id = o.shop_id and x.setting = 'excluded_flags' and x.text = o.flag
where us(o.created_at) <= b.as_of_us and x.text is null
