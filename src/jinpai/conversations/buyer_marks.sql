-- One row per buyer who is filtered as a person: internal first, then listed.
with buyers_seen as (
    select distinct shop_id, buyer_id from threads
),

marks as (
    select b.shop_id, b.buyer_id, 1 as priority
    from buyers_seen as b
    inner join agents as a on a.shop_id = b.shop_id and a.agent_id = b.buyer_id
    union all
    select b.shop_id, b.buyer_id, 1 as priority
    from buyers_seen as b
    inner join setting_texts as t
        on t.shop_id = b.shop_id
        and t.setting = 'internal_accounts'
        and (b.buyer_id = t.text or like_pattern(b.buyer_id, t.pattern))
    union all
    select b.shop_id, b.buyer_id, 2 as priority
    from buyers_seen as b
    inner join setting_texts as t
        on t.shop_id = b.shop_id and t.setting = 'excluded_buyers' and b.buyer_id = t.text
)

select
    shop_id,
    buyer_id,
    case when min(priority) = 1 then 'internal' else 'listed' end as filter_reason
from marks
group by shop_id, buyer_id
