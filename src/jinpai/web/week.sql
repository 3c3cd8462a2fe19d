-- One row per (agent, weekday, hour) of the shop's clock with anything in it; Monday is 0. The days are those
-- sessions and rounds are counted on.
with begun as (
    select agent_id, timezone($zone, timezone('UTC', started_at)) as clock
    from sessions
    where shop_id = $shop_id and day >= $first and day <= $last
        and filter_reason is null
),

load as (
    select agent_id, isodow(clock) - 1 as weekday, hour(clock) as hour, count(*) as sessions
    from begun
    group by all
),

opened as (
    select agent_id, timezone($zone, timezone('UTC', opened_at)) as clock, wait_us
    from rounds
    where shop_id = $shop_id and day >= $first and day <= $last
        and filter_reason is null and closed_at is not null and not is_late
),

waits as (
    select agent_id, isodow(clock) - 1 as weekday, hour(clock) as hour, avg(wait_us) as wait_us
    from opened
    group by all
)

select
    coalesce(l.agent_id, w.agent_id) as agent_id,
    coalesce(l.weekday, w.weekday) as weekday,
    coalesce(l.hour, w.hour) as hour,
    coalesce(l.sessions, 0) as sessions,
    w.wait_us
from load as l
full join waits as w
    on w.agent_id is not distinct from l.agent_id and w.weekday = l.weekday and w.hour = l.hour
order by all
