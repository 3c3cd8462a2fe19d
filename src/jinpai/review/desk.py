"""The desk of reviewers: every verb of reviews, on a workspace and its store.

    with open_desk("my-shop") as desk:
        drawn = desk.sample(Draw(per="agent", n=5), by="Ann")
        desk.rule(drawn["findings"][0]["finding_id"], "right", reviewer="Cai")

Results are JSON objects: times ISO in UTC, days ISO.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from jinpai.review.agreement import all_pairs, double_rulings, pairwise, verdicts_by_rule
from jinpai.review.candidates import Draw, draw, finding_facts, rules_found, shown_days
from jinpai.review.shown import appeal_json, calibration_json, case_json, event_json, ruling_json
from jinpai.review.unfound import NOTHING, missed_facts
from jinpai.store import Store, calibrating, events_of, open_store
from jinpai.store.queues import (
    appeal_of,
    appeal_queue,
    count_states,
    review_queue,
    rulings_seen_by,
)
from jinpai.store.reviews import WAITING, Case
from jinpai.store.rulings import (
    appeal,
    appeal_until,
    case_of,
    cases_of,
    decide,
    list_cases,
    open_sample,
    rule,
    show_days,
)

if TYPE_CHECKING:
    from jinpai.workspace import Workspace

__all__ = ["Desk", "open_desk"]


@contextmanager
def open_desk(root: str | Path) -> Iterator[Desk]:
    """Open the desk of a workspace; its store is made where there is none."""
    from jinpai.workspace import Workspace

    workspace = Workspace(root)
    with open_store(workspace.config) as store:
        yield Desk(workspace, store)


class Desk:
    """Reviews of one workspace. Threads may share one.

    Errors of every verb: UsageError for what may not be done, Conflict for what someone else has
    just done; nothing was changed then.
    """

    def __init__(self, workspace: Workspace, store: Store) -> None:
        self.workspace, self.store = workspace, store
        self.terms = workspace.config.review

    def sample(self, asked: Draw, *, by: str, wanted: int = 1) -> dict[str, Any]:
        """Draw a sample by hash and put it into the queue.

        Args:
            by: who draws it.
            wanted: rulings a case wants, 1 or 2.
        Returns:
            ``sample``, ``drawn``, ``opened`` (not in a queue before), ``findings`` in strata, each
            with the ``stratum_size``.
        """
        drawn, days = draw(self.workspace, asked), shown_days(self.workspace)
        how = asked.to_json()
        with self.store.write() as session:
            show_days(session, days)
            number, opened = open_sample(session, drawn.facts, how, by=by, wanted=wanted)
            cases = cases_of(session, [str(facts["finding_id"]) for facts in drawn.facts])
            listed = [
                self._case(session, case) | {"stratum_size": size}
                for case, size in zip(cases, drawn.sizes, strict=True)
            ]
        found = {"sample": number, "drawn": len(listed), "opened": len(opened), "how": how}
        return found | {"findings": listed}

    def queue(
        self,
        reviewer: str | None = None,
        *,
        shop_id: str | None = None,
        sample: int | None = None,
        limit: int = 50,
    ) -> dict[str, Any]:
        """Return what waits: ``reviews``, ``appeals``, and how many cases are in each state.

        Args:
            reviewer: only what this person may judge.
        """
        with self.store.read() as session:
            waiting = review_queue(
                session, reviewer, shop_id=shop_id, sample_id=sample, limit=limit
            )
            appeals = appeal_queue(session, reviewer, shop_id=shop_id, limit=limit)
            return {
                "reviews": [self._case(session, case) for case in waiting],
                "appeals": [
                    self._case(session, case) | {"appeal": appeal_json(one)}
                    for one, case in appeals
                ],
                "states": count_states(session, shop_id=shop_id),
            }

    def rule(
        self, finding_id: str, verdict: str, *, reviewer: str, comment: str = ""
    ) -> dict[str, Any]:
        """Rule right, wrong or partly on a finding, sampled or not (see `rulings.rule`)."""
        with self._on(finding_id) as session:
            case = rule(session, finding_id, verdict, reviewer=reviewer, comment=comment)
            return self._story(session, case, reviewer)

    def report(
        self, finding_id: str, codes: Sequence[str], *, reviewer: str, comment: str = ""
    ) -> list[dict[str, Any]]:
        """Report that findings of some rules are missing in the session of a case or finding.

        Each becomes a case of its own, ruled right by the reviewer; where two rulings are wanted,
        another confirms it. A drawn session that waits is ruled wrong with it.

        Returns: the story of each, then that of the drawn session where it was ruled.
        """
        found = rules_found(self.workspace, self._session_of(finding_id))
        with self._on(finding_id) as session:
            case = case_of(session, finding_id)
            facts = [missed_facts(case, code, found) for code in dict.fromkeys(codes)]
            names = [str(one["finding_id"]) for one in facts]
            list_cases(session, facts, wanted=case.wanted)
            told = [
                rule(session, name, "right", reviewer=reviewer, comment=comment) for name in names
            ]
            if case.rule == NOTHING and case.state in WAITING:
                told.append(rule(session, finding_id, "wrong", reviewer=reviewer, comment=comment))
            return [self._story(session, one, reviewer) for one in told]

    def appeal(self, finding_id: str, *, agent: str, reason: str) -> dict[str, Any]:
        """Appeal against a finding about oneself (see `rulings.appeal`)."""
        with self._on(finding_id) as session:
            appeal(
                session,
                finding_id,
                agent=agent,
                reason=reason,
                appeal_days=self.terms.appeal_days,
                decide_days=self.terms.decide_days,
            )
            return self._story(session, case_of(session, finding_id), agent)

    def decide(
        self, finding_id: str, outcome: str, *, reviewer: str, comment: str = ""
    ) -> dict[str, Any]:
        """Decide an appeal: upheld or rejected (see `rulings.decide`)."""
        with self.store.write() as session:
            decide(session, finding_id, outcome, reviewer=reviewer, comment=comment)
            return self._story(session, case_of(session, finding_id), reviewer)

    def story(self, finding_id: str, *, viewer: str | None = None) -> dict[str, Any]:
        """Return a case with its rulings, appeal and events, as far as the viewer may see them."""
        with self.store.read() as session:
            return self._story(session, case_of(session, finding_id), viewer)

    def calibrate(
        self, asked: Draw, *, reviewers: Sequence[str], name: str, by: str
    ) -> dict[str, Any]:
        """Open a calibration session on a sample (see `calibrating.open_calibration`)."""
        facts = draw(self.workspace, asked).facts
        with self.store.write() as session:
            number = calibrating.open_calibration(session, facts, reviewers, name=name, by=by)
            return self._calibration(session, number, None)

    def rule_calibration(
        self, number: int, finding_id: str, verdict: str, *, reviewer: str, comment: str = ""
    ) -> dict[str, Any]:
        """Rule on a finding of a calibration session, unseen by the others."""
        with self.store.write() as session:
            calibrating.rule_calibration(
                session, number, finding_id, verdict, reviewer=reviewer, comment=comment
            )
            return self._calibration(session, number, reviewer)

    def calibration(self, number: int, *, viewer: str | None = None) -> dict[str, Any]:
        """Return a calibration session as far as the viewer may see it."""
        with self.store.read() as session:
            return self._calibration(session, number, viewer)

    def calibrations(self) -> list[dict[str, Any]]:
        """Return all calibration sessions, the newest first, without what was ruled."""
        with self.store.read() as session:
            return [calibration_json(one) for one in calibrating.calibrations(session)]

    def agreement(self) -> dict[str, Any]:
        """Return how far double reviews agree (kappa), and how the findings of each rule fared."""
        with self.store.read() as session:
            double = pairwise(double_rulings(session))
            return {"double": double, "rules": verdicts_by_rule(session)}

    def _session_of(self, finding_id: str) -> str:
        with self.store.read() as session:
            case = session.get(Case, finding_id)
            if case is not None:
                return case.session_id
        return str(finding_facts(self.workspace, finding_id)["session_id"])

    @contextmanager
    def _on(self, finding_id: str) -> Iterator[Session]:
        """Open a transaction in which the finding is a case; one of the last run becomes one."""
        with self.store.read() as session:
            is_known = session.get(Case, finding_id) is not None
        facts = None if is_known else finding_facts(self.workspace, finding_id)
        with self.store.write() as session:
            if facts is not None:
                show_days(session, [(facts["shop_id"], facts["day"])])
                list_cases(session, [facts])
            yield session

    def _case(self, session: Session, case: Case) -> dict[str, Any]:
        until = appeal_until(session, case, self.terms.appeal_days)
        return case_json(case, until)

    def _story(self, session: Session, case: Case, viewer: str | None) -> dict[str, Any]:
        made = appeal_of(session, case.finding_id)
        return self._case(session, case) | {
            "rulings": [ruling_json(one) for one in rulings_seen_by(session, case, viewer)],
            "appeal": None if made is None else appeal_json(made),
            "events": [event_json(one) for one in events_of(session, f"case:{case.finding_id}")],
        }

    def _calibration(self, session: Session, number: int, viewer: str | None) -> dict[str, Any]:
        found = calibrating.calibration_of(session, number)
        shown = calibrating.rulings_shown(session, found, viewer)
        cases = session.scalars(
            select(Case).where(Case.finding_id.in_(found.findings)).order_by(Case.finding_id)
        )
        result = calibration_json(found) | {
            "findings": [self._case(session, case) for case in cases],
            "rulings": [{"finding_id": one.finding_id} | ruling_json(one) for one, _ in shown],
            "agreement": None,
        }
        if found.is_revealed:
            said = [(one.finding_id, one.reviewer, one.verdict) for one, _ in shown]
            result["agreement"] = pairwise(all_pairs(said))
        return result
