"""For monitoring: whether the page and its database are well."""

from __future__ import annotations

import logging

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from pytomo_scrapy.failures import NotReadyError, StorageError

logger = logging.getLogger(__name__)


def healthz(request: Request) -> Response:
    """Say whether the database can be read; an empty one is well."""
    from pytomo_scrapy.storage.read_only import newest_of

    try:
        with request.app.state.catalogue.for_health().read() as connection:
            return JSONResponse({"status": "ok", "database": "ready", "newest": newest_of(connection)})
    except NotReadyError as error:
        return JSONResponse({"status": "ok", "database": str(error)})
    except StorageError as error:
        # Nobody needs a token for this answer: which database it is, the log says.
        logger.error("%s", error)
        return JSONResponse({"status": "failed", "database": "The database cannot be read: see the log."}, 503)
