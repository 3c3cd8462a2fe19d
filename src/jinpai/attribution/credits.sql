-- One row per (paid order, judge rule): who is credited, on which day, or why nobody is.
with rules as (
    select 'order' as judge_rule
    union all
    select 'order_first' as judge_rule
    union all
    select 'payment' as judge_rule
),

judged as (
    select
        o.*,
        r.judge_rule,
        case
            when r.judge_rule = 'order' then o.created_agent_id
            when r.judge_rule = 'order_first' then coalesce(o.created_agent_id, o.paid_agent_id)
            else o.paid_agent_id
        end as agent_id
    from judged_orders as o
    cross join rules as r
    where o.paid_at is not null
)

select
    shop_id,
    order_id,
    judge_rule,
    buyer_id,
    agent_id,
    case when judge_rule = 'order' then created_day else paid_day end as day,
    case
        when is_excluded then 'excluded'
        when agent_id is null then 'silent'
        else 'credited'
    end as status,
    paid_amount,
    units,
    refunded_amount
from judged
