"""One trial: what came of it, its progress, ending it; for who may ask for such a one."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from fastapi import APIRouter
from starlette.concurrency import run_in_threadpool
from starlette.responses import RedirectResponse, Response

from jinpai.store.jobs import Job
from jinpai.web.background import find_job, queue_of
from jinpai.web.contexts import Page, PageOf
from jinpai.web.errors import NotFound
from jinpai.web.trials import PAGES, Trial, report_of_trial, trial_shown
from jinpai.web.views.jobs import told_as_it_goes
from jinpai.web.views.rule_editor import diff_view
from jinpai.web.views.rule_tests import file_view

__all__ = ["router"]

router = APIRouter()
_VIEWS = {"rules": diff_view, "rule_file": file_view}


@router.get("/trials/{job}", name="trial")
def trial(page: PageOf, job: int) -> Response:
    """Show what came of a trial, or how far it is; one with an address of its own is there."""
    found = _found(page, job)
    made = Trial(found.args, found, report_of_trial(page, found))
    view = _VIEWS.get(found.args["of"])
    if view is None:
        return RedirectResponse(_address(page, found), 303)
    shown = view(page, made)
    state = {"trial": trial_shown(page, made, "")}
    return page.show(replace(shown, data={**shown.data, **state}))


@router.get("/trials/{job}/events", name="trial_events")
async def trial_events(page: PageOf, job: int) -> Response:
    """Send how far a trial is until it is over (server-sent events)."""
    await run_in_threadpool(_found, page, job)
    return told_as_it_goes(page, job)


@router.post("/trials/{job}/cancel", name="trial_cancel")
def trial_cancel(page: PageOf, job: int) -> Response:
    """End a trial."""
    _found(page, job)
    queue_of(page).cancel(job, by=page.user.login)
    return RedirectResponse(page.url("trial", job=job), 303)


def _found(page: Page, job_id: int) -> Job:
    """Return a trial that one may see; raises NotFound, UnknownName."""
    job = find_job(page, job_id)
    if job.kind != "trial" or not page.may(PAGES[job.args["of"]]):
        raise NotFound
    return job


def _address(page: Page, job: Job) -> str:
    """The page that asks the question of a trial."""
    args: dict[str, Any] = dict(job.args)
    of = args["of"]
    if of == "setting":
        value = args["typed"]
        return page.url("setting_preview", name=args["name"], value=value, shop=args["shop"])
    if of == "rule_tests":
        return page.url("rule_tests", curve=args["curve"] or None)
    days = {"from_": args["first"], "to": args["last"], "shop": args["shop"], "rule": args["rule"]}
    return page.url("cases", code=args["code"], agent=args["agent"], n=args["n"], **days)
