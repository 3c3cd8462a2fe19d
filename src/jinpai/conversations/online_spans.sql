-- One row per stretch of time an account was online, overlaps merged. A session without offline_at
-- ends at the account's next online_at, else at as_of; a later offline_at is cut at as_of.
with clipped as (
    select
        o.shop_id,
        o.agent_id,
        us(o.online_at) as start_us,
        least_of(
            coalesce(
                us(o.offline_at),
                lead(us(o.online_at)) over (
                    partition by o.shop_id, o.agent_id order by o.online_at
                ),
                r.as_of_us
            ),
            r.as_of_us
        ) as end_us
    from online_sessions as o
    inner join run_shops as r on r.shop_id = o.shop_id
    where us(o.online_at) <= r.as_of_us
),

reached as (
    select
        c.*,
        max(c.end_us) over (
            partition by c.shop_id, c.agent_id order by c.start_us, c.end_us
            rows between unbounded preceding and 1 preceding
        ) as reached_us
    from clipped as c
),

islands as (
    select
        r.*,
        count(case when r.reached_us is null or r.start_us > r.reached_us then 1 end) over (
            partition by r.shop_id, r.agent_id order by r.start_us, r.end_us
            rows between unbounded preceding and current row
        ) as island
    from reached as r
)

select shop_id, agent_id, min(start_us) as start_us, max(end_us) as end_us
from islands
group by shop_id, agent_id, island
