"""Studies: their list, and what one of them planned, did and found. Nothing is looked at by reading here."""

from __future__ import annotations

import json
from typing import Any

from sqlalchemy import Connection
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from pytomo_scrapy.analysis.studies.account import Account, account_of, status_of
from pytomo_scrapy.dashboard.bad_request import BadRequestError
from pytomo_scrapy.dashboard.query import read_query
from pytomo_scrapy.dashboard.render import render
from pytomo_scrapy.reporting.studies_table import studies_table
from pytomo_scrapy.reporting.study_text import account_sections, look_section, shown_values
from pytomo_scrapy.storage.study_store import StoredStudy, measured_counts, read_studies


def studies(request: Request) -> Response:
    """List studies with their plans and what they found."""
    query = read_query(request, request.app.state.catalogue)
    with query.database.read() as connection:
        found = read_studies(connection)
        table = studies_table(found, measured_counts(connection))
    values = {"title": "Studies", "table": table, "studies": found}
    return render(request, "studies.html", values, query=query)


def study(request: Request) -> Response:
    """Show the account of one study, and what the last look that its plan has found."""
    query = read_query(request, request.app.state.catalogue)
    with query.database.read() as connection:
        found, account = _study(connection, request)
    looks = [look_section(found.outcome)] if found.outcome is not None else []
    values = {"title": f"Study {found.name}", "study": found, "sections": [*account_sections(account), *looks]}
    return render(request, "study.html", values, query=query)


def studies_api(request: Request) -> Response:
    """Give every study with its number, status and hash."""
    query = read_query(request, request.app.state.catalogue)
    with query.database.read() as connection:
        found, counts = read_studies(connection), measured_counts(connection)
    return _json({"studies": [_row(one, counts.get(one.name, 0)) for one in found]})


def study_api(request: Request) -> Response:
    """Give what `pytomo study report --json` prints of a study, without the looks that its plan does not have."""
    query = read_query(request, request.app.state.catalogue)
    with query.database.read() as connection:
        values = shown_values(*_study(connection, request))
    return _json(values)


def _study(connection: Connection, request: Request) -> tuple[StoredStudy, Account]:
    number = request.path_params["id"]
    found = next((one for one in read_studies(connection) if one.id == number), None)
    if found is None:
        raise BadRequestError("There is no study with this number here.", 404)
    return found, account_of(connection, found)


def _row(found: StoredStudy, measured_count: int) -> dict[str, Any]:
    newest, outcome = found.newest, found.outcome
    return {
        "id": found.id,
        "name": found.name,
        "status": status_of(found),
        "plan_version": newest.version,
        "plan_hash": newest.plan_hash,
        "measured_count": measured_count,
        "planned_count": newest.planned_count,
        "result": None if outcome is None else outcome.sentence,
    }


def _json(values: dict[str, Any]) -> Response:
    return JSONResponse(json.loads(json.dumps(values, default=str)), headers={"Cache-Control": "private, no-cache"})
