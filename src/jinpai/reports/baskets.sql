-- One row per agent: buyers of credited sales, the sum of what each of them paid, and of its squares.
with baskets as (
    select agent_id, buyer_id, cast(sum(paid_amount) as decimal(18, 2)) as amount
    from credits
    where
        shop_id = $shop_id
        and judge_rule = $judge_rule
        and status = 'credited'
        and day >= $first
        and day <= $last
        and buyer_id is not null
    group by agent_id, buyer_id
)

select agent_id, count(*) as buyers, sum(amount) as amount, sum(amount * amount) as squares
from baskets
group by agent_id
