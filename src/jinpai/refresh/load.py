"""How many sessions of an agent are open at once, where some buyers' sessions changed.

The one figure that crosses buyers. A session that comes, goes or gets another length changes the
figure of the agent's sessions that start on the days it spans, whoever their buyers are; all others
keep theirs. The sessions that touch these days are counted by the line's own step. Sessions before
``first_day`` are left out on both sides.
"""

from __future__ import annotations

import re

from jinpai.engine.plan import Step
from jinpai.refresh.narrow import is_touched

__all__ = ["MOVED", "with_known_load"]

_DAY_US = 86_400_000_000
_SPAN = "shop_id, agent_key, buyer_id, start_us, end_us"
_KEY = ("shop_id", "agent_key", "buyer_id", "start_us")

# Sessions of untouched buyers whose concurrency is another now.
MOVED = "moved_sessions"

_CURRENT = """
select
    t.shop_id, t.agent_key, t.buyer_id, s.start_us, s.end_us, s.thread_no, s.session_no
from judged_sessions as s
inner join threads as t on t.thread_no = s.thread_no
where s.filter_reason is null and s.day_no >= (select day_no from first_day)
"""

_FORMER = f"""
select
    r.shop_id, coalesce(r.agent_id, '') as agent_key, r.buyer_id, us(r.started_at) as start_us,
    us(r.ended_at) as end_us, r.concurrency, {is_touched("buyer", "r")} as is_touched
from old_sessions as r
where r.filter_reason is null
"""

_DAYS = f"""
with spans as (
    select {_SPAN}
    from (
        select {_SPAN}, 1 as sign from current_spans
        union all
        select {_SPAN}, -1 as sign from former_spans where is_touched
    )
    group by {_SPAN}
    having sum(sign) <> 0
)
select distinct
    shop_id, agent_key,
    unnest(range(quotient(start_us, {_DAY_US}), quotient(end_us, {_DAY_US}) + 1)) as utc_day
from spans
"""

_NEAR = f"""
exists (
    select 1 from moved_days as d
    where
        d.shop_id = s.shop_id and d.agent_key = s.agent_key
        and d.utc_day >= quotient(s.start_us, {_DAY_US})
        and d.utc_day <= quotient(s.end_us, {_DAY_US})
)
"""

_POOL = f"""
select
    dense_rank() over (order by shop_id, agent_key) as agent_no,
    row_number() over (order by {", ".join(_KEY)}) as thread_no,
    0 as session_no,
    shop_id, agent_key, buyer_id, start_us, end_us, is_touched,
    cast(null as varchar) as filter_reason
from (
    select {_SPAN}, true as is_touched from current_spans as s where {_NEAR}
    union all
    select {_SPAN}, false as is_touched from former_spans as s where not is_touched and {_NEAR}
)
"""

_COUNTED = f"""
select p.shop_id, p.agent_key, p.buyer_id, p.start_us, p.is_touched, l.concurrency
from pool_sessions as p
inner join pool_load as l on l.thread_no = p.thread_no
inner join moved_days as d
    on d.shop_id = p.shop_id and d.agent_key = p.agent_key
    and d.utc_day = quotient(p.start_us, {_DAY_US})
"""

_LOAD = f"""
select s.thread_no, s.session_no, coalesce(c.concurrency, f.concurrency) as concurrency
from current_spans as s
left join counted_sessions as c
    on {" and ".join(f"c.{key} = s.{key}" for key in _KEY)} and c.is_touched
left join former_spans as f
    on {" and ".join(f"f.{key} = s.{key}" for key in _KEY)} and f.is_touched
"""

_MOVED = f"""
select f.shop_id, f.agent_key, f.buyer_id, f.start_us, c.concurrency
from counted_sessions as c
inner join former_spans as f
    on {" and ".join(f"f.{key} = c.{key}" for key in _KEY)} and not f.is_touched
where not c.is_touched and f.concurrency is distinct from c.concurrency
"""


def with_known_load(steps: list[Step]) -> list[Step]:
    """Return the steps with ``session_load`` counted from what the last run knows."""
    made: list[Step] = []
    for step in steps:
        if step.name != "session_load":
            made.append(step)
            continue
        counting = re.sub(r"\bjudged_sessions\b", "pool_sessions", step.sql)
        made += [
            Step("current_spans", _CURRENT),
            Step("former_spans", _FORMER),
            Step("moved_days", _DAYS),
            Step("pool_sessions", _POOL),
            Step("pool_load", counting),
            Step("counted_sessions", _COUNTED),
            Step("session_load", _LOAD),
            Step(MOVED, _MOVED),
        ]
    return made
