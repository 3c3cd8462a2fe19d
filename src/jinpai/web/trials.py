"""Trials as pages ask for them: found by run and question, asked for once, shown while at work."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from starlette.responses import RedirectResponse, Response

from jinpai.jobs.trials import TRIAL_FILE
from jinpai.jobs.work import folder_of
from jinpai.reports.model import Period
from jinpai.store.jobs import Job
from jinpai.web.background import job_shown, queue_of
from jinpai.web.contexts import Page

__all__ = [
    "PAGES",
    "Trial",
    "ask_trial",
    "asks_for_part",
    "days_of",
    "go_to",
    "last_month",
    "report_of_trial",
    "trial_of",
    "trial_shown",
]

# What a trial is of -> the page that asks for it; who may use that one may see the trial.
PAGES = {
    "setting": "setting_preview",
    "rules": "rule_diff",
    "rule_tests": "rule_tests",
    "rule_file": "rule_tests_file",
    "cases": "cases",
}
_LOOKED_AT = 300


@dataclass(frozen=True)
class Trial:
    """A question, its latest job, and what came of that.

    Attributes:
        job: None where nobody has asked on this run.
        found: what came of it, as `jobs.trials` left it; None until it is done.
    """

    args: Mapping[str, Any]
    job: Job | None = None
    found: Mapping[str, Any] | None = None


def trial_of(page: Page, of: str, args: Mapping[str, Any]) -> Trial:
    """Return what is known of a question about the last run; raises NotRun."""
    whole = {"of": of, **args}
    asked = json.dumps([page.reader.run_key, whole], sort_keys=True, default=str)
    whole["key"] = hashlib.sha256(asked.encode()).hexdigest()[:24]
    query = select(Job).where(Job.kind == "trial").order_by(Job.id.desc()).limit(_LOOKED_AT)
    with page.store.read() as session:
        known = session.scalars(query)
        job = next((one for one in known if one.args.get("key") == whole["key"]), None)
    return Trial(whole, job, None if job is None else report_of_trial(page, job))


def report_of_trial(page: Page, job: Job) -> dict[str, Any] | None:
    """Return what came of a trial; None where it is not done, or was swept after a month."""
    path = folder_of(page.reader.root, job.id) / TRIAL_FILE
    if job.state != "done" or not path.is_file():
        return None
    found: dict[str, Any] = json.loads(path.read_text("utf-8"))
    return found


def ask_trial(page: Page, trial: Trial) -> int:
    """Ask for a trial, unless it is at work or there already; returns the number of its job."""
    job = trial.job
    if job is not None and (job.is_active or trial.found is not None):
        return job.id
    return queue_of(page).ask("trial", trial.args, by=page.user.login)


def trial_shown(page: Page, trial: Trial, start: str, **fields: Any) -> dict[str, Any]:
    """Return what `trial.html.j2` shows of one.

    Args:
        start: the address that asks for it. fields: what is sent there.
    """
    job = trial.job
    return {
        "state": "none" if job is None else job.state,
        "job": None if job is None else job_shown(page, job),
        "has_report": trial.found is not None,
        "start": start,
        "fields": fields,
        "then": page.here() if asks_for_part(page) else "",
    }


def asks_for_part(page: Page) -> bool:
    """Tell whether a place of a page that is open asks, not somebody who goes to the page."""
    headers = page.request.headers
    return "hx-target" in headers and "hx-boosted" not in headers


def go_to(page: Page, url: str) -> Response:
    """Send a browser on to where a trial is shown: in its place, or on the page of its own."""
    if "hx-request" in page.request.headers and page.request.headers.get("hx-target") == "trial":
        return Response(status_code=204, headers={"hx-redirect": url})
    return RedirectResponse(url, 303)


def last_month(page: Page) -> Period:
    """Return the last whole month that is loaded, without one the last thirty days."""
    for preset in page.filters.presets():
        if preset.key == "period_last_month" and preset.period.first.day == 1:
            return preset.period
    loaded = page.filters.loaded
    days = min((loaded.last - loaded.first).days, 29)
    return Period(loaded.last.fromordinal(loaded.last.toordinal() - days), loaded.last)


def days_of(period: Period) -> dict[str, str]:
    """Return a period as trials are told it."""
    return {"first": period.first.isoformat(), "last": period.last.isoformat()}
