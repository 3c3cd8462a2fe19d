"""Findings and scores of many sessions as the rows a run publishes."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from jinpai.quality.columns.ids import finding_ids, quoted
from jinpai.quality.columns.sheet import Sheet
from jinpai.quality.columns.shown import Shown
from jinpai.quality.judge import Judge

__all__ = ["rows_of"]

_NAMES = ("shop_id", "agent_key", "buyer_id", "day", "session_no", "start_us", "end_us")
Columns = dict[str, Any]


def rows_of(
    sheet: Sheet,
    listed: Sequence[Shown],
    judge: Judge,
    overruled: Collection[str],
    schema: pa.Schema,
) -> pa.Table:
    """Return a row per session, per product it shows and per finding of it.

    Args:
        listed: in the order of the rules: scores are added up in it.
        overruled: ids of findings that cost nothing.
    """
    named = {name: sheet.of_sessions(name) for name in _NAMES}
    named["session_id"] = pc.binary_join_element_wise(
        *(
            named[name].cast(pa.string())
            for name in ("shop_id", "agent_key", "buyer_id", "start_us")
        ),
        "/",
    )
    named["is_judged"] = pa.array((sheet.human > 0) & (sheet.bought > 0))
    ids = _finding_ids(named, listed, judge)
    gone = [_gone(own, overruled) for own in ids]
    tables = [
        _table(named | _scores(sheet.sessions, listed, gone), schema),
        _products(sheet, named, schema),
    ]
    for shown, own, out in zip(listed, ids, gone, strict=True):
        if len(own):
            tables.append(_findings(named, shown, own, out, judge.version(shown.rule.code), schema))
    return pa.concat_tables(tables)


def _table(columns: Columns, schema: pa.Schema) -> pa.Table:
    """Return columns as a table, nulls for those that are not there."""
    count = len(next(iter(columns.values())))
    return pa.table(
        [
            pa.array(columns[field.name]).cast(field.type)
            if field.name in columns
            else pa.nulls(count, field.type)
            for field in schema
        ],
        schema=schema,
    )


def _scores(sessions: int, listed: Sequence[Shown], gone: Sequence[Any]) -> Columns:
    total = np.zeros(sessions)
    faults, merits = np.zeros(sessions, np.int64), np.zeros(sessions, np.int64)
    fatal = np.zeros(sessions, bool)
    for shown, out in zip(listed, gone, strict=True):
        rule, counted = shown.rule, shown.sessions[~out]
        total[counted] += rule.cost
        if rule.kills or rule.cost < 0:
            faults[counted] += 1
        if rule.cost > 0:
            merits[counted] += 1
        fatal[counted] |= rule.kills
    score = np.where(fatal, 0.0, np.maximum(0.0, 100.0 + total))
    return {"score": score, "faults": faults, "merits": merits, "is_fatal": fatal}


def _finding_ids(named: Columns, listed: Sequence[Shown], judge: Judge) -> list[pa.Array]:
    parts = (quoted(named["shop_id"]), quoted(named["session_id"]))
    heads = pc.binary_join_element_wise(*parts, ",")
    return [
        finding_ids(
            heads.take(pa.array(shown.sessions)),
            shown.counts,
            shown.evidence.field("message_id"),
            shown.orders,
            shown.rule.code,
            judge.version(shown.rule.code),
        )
        for shown in listed
    ]


def _gone(ids: pa.Array, overruled: Collection[str]) -> Any:
    """Tell which findings cost nothing."""
    if not overruled:
        return np.zeros(len(ids), bool)
    return pc.is_in(ids, pa.array(list(overruled), pa.string())).to_numpy(zero_copy_only=False)


def _products(sheet: Sheet, named: Columns, schema: pa.Schema) -> pa.Table:
    sessions, lines = sheet.showing
    ids = sheet.lines["product_id"].combine_chunks().take(pa.array(lines)).to_pylist()
    pairs = sorted(set(zip(sessions.tolist(), ids, strict=True)))
    places = pa.array([session for session, _ in pairs], pa.int64())
    columns = {name: column.take(places) for name, column in named.items()}
    return _table(
        columns | {"product_id": pa.array([name for _, name in pairs], pa.string())}, schema
    )


def _findings(
    named: Columns, shown: Shown, ids: pa.Array, gone: Any, version: str, schema: pa.Schema
) -> pa.Table:
    rule, count = shown.rule, len(ids)
    same: dict[str, Any] = {
        "rule": rule.code,
        "rule_version": version,
        "rule_group": rule.group,
        "severity": rule.severity,
        "points": rule.cost,
        "is_merit": rule.is_merit,
        "is_fatal": rule.kills,
        "is_shadow": rule.shadow,
    }
    places = pa.array(shown.sessions)
    columns: Columns = {name: column.take(places) for name, column in named.items()}
    columns |= {name: pa.repeat(value, count) for name, value in same.items()}
    offsets = pa.array(np.r_[0, np.cumsum(shown.counts)].astype(np.int32))
    columns |= {
        "finding_id": ids,
        "is_overruled": gone,
        "order_id": shown.orders,
        "reason_zh": shown.reasons_zh,
        "reason_en": shown.reasons_en,
        "evidence": pa.ListArray.from_arrays(offsets, shown.evidence),
    }
    return _table(columns, schema)
