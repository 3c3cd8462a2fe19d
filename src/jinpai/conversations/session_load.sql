-- One row per (agent, instant at which an unfiltered session starts): unfiltered sessions of the
-- agent open at that instant, both ends closed. At one instant starts count before ends.
with events as (
    select shop_id, agent_key, start_us as at_us, 0 as is_end, 1 as delta
    from judged_sessions
    where filter_reason is null
    union all
    select shop_id, agent_key, end_us as at_us, 1 as is_end, -1 as delta
    from judged_sessions
    where filter_reason is null
),

net as (
    select shop_id, agent_key, at_us, is_end, sum(delta) as delta
    from events
    group by shop_id, agent_key, at_us, is_end
),

running as (
    select
        shop_id,
        agent_key,
        at_us,
        is_end,
        sum(delta) over (
            partition by shop_id, agent_key order by at_us, is_end
            rows between unbounded preceding and current row
        ) as concurrency
    from net
)

select shop_id, agent_key, at_us, cast(concurrency as bigint) as concurrency
from running
where is_end = 0
