"""Who may use which route: every route of the application against every role."""

from __future__ import annotations

import pytest
from fastapi import FastAPI

from jinpai.store.people import ROLES
from jinpai.web.app import every_route
from jinpai.web.permissions import EVERYONE, check_routes, permissions
from web.conftest import Enter

ROUTES = {route.name: route for route in every_route()}
# A POST without its CSRF token is refused whoever asks; those are tried with one.
PATHS = {
    "import_files": "/import/batches/0123456789abcdef",
    "mapping": "/import/mappings/none",
    "job": "/jobs/999",
    "job_events": "/jobs/999/events",
    "job_file": "/jobs/999/file",
    "trial": "/trials/999",
    "person_sessions": "/people/nobody/sessions",
    "trial_events": "/trials/999/events",
    "agent": "/agents/nobody",
    "metric": "/metrics/sales_amount",
    "conversation": "/conversations/nobody?day=2026-03-01",
    "order": "/orders/0",
    "payslip": "/kpi/payslips/nobody",
    "setting_preview": "/settings/preview?name=session_gap&value=600",
    "calibration": "/calibrations/999",
    "calibration_case": "/calibrations/999/none",
    "calibration_rule": "/calibrations/999/none",
    "plan_sliders": "/kpi/plans/none/sliders",
    "cohort": "/loyalty/cohorts/2026-03",
}


def path_of(name: str) -> str:
    route = ROUTES[name]
    path = PATHS.get(name, route.path)
    for part in ("token_id", "token", "login"):
        path = path.replace(f"{{{part}}}", "1")
    return path


@pytest.mark.parametrize("role", ["", *ROLES])
@pytest.mark.parametrize("name", sorted(ROUTES))
def test_route_and_role(enter: Enter, app: FastAPI, name: str, role: str) -> None:
    if name == "logout":
        return  # it ends the session that other cases use
    browser = enter(role)
    (method,) = ROUTES[name].methods - {"HEAD"}
    answer = browser.request(method, path_of(name), headers={"x-csrf-token": "wrong"})
    allowed = permissions()[name]
    if EVERYONE in allowed:
        assert answer.status_code not in (401, 403)
    elif not role:
        assert answer.status_code == 303
        assert answer.headers["location"].startswith("/login")
    elif role not in allowed:
        assert answer.status_code == (403 if method == "GET" else 404)
    elif method == "POST":
        assert answer.status_code == 403  # its token was wrong
    else:
        assert answer.status_code in (200, 303, 404)


def test_every_route_is_named_once_and_all_there_are_exist() -> None:
    check_routes([*ROUTES, "static"])
    with pytest.raises(ValueError, match=r"without an entry \['new'\]"):
        check_routes([*ROUTES, "static", "new"])


def test_a_program_learns_nothing_without_a_token(enter: Enter) -> None:
    answer = enter().get("/overview", headers={"accept": "application/json"})
    assert answer.status_code == 401
    assert answer.json()["error"]["code"] == "sign_in"


@pytest.mark.parametrize("path", ["/agents/{other}", "/metrics/sales_amount?agent={other}"])
def test_what_one_may_not_know_of_is_as_if_it_were_not_there(
    enter: Enter, app: FastAPI, path: str
) -> None:
    roster = app.state.reader.roster("demo")
    own = min(one for one in roster if roster[one]["team"])
    other = next(one for one in roster if one != own and roster[one]["team"])
    browser = enter("agent")
    assert browser.get(path.format(other=own)).status_code == 200
    hidden = browser.get(path.format(other=other), headers={"accept": "application/json"})
    absent = browser.get(path.format(other="nobody"), headers={"accept": "application/json"})
    if "metrics" in path:  # an agent's own cell is all there is
        assert hidden.json()["cell"] == absent.json()["cell"] == {"agent_id": own}
    else:
        assert (hidden.status_code, hidden.json()) == (absent.status_code, absent.json())
        assert hidden.status_code == 404
