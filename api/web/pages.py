"""How pages are made: templates, their helpers, and errors that a person can read."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from functools import cache
from http import HTTPStatus
from importlib import metadata
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.exceptions import HTTPException
from starlette.responses import HTMLResponse, Response

from api.errors import kind_of
from api.http.access import Principal, needs
from api.http.problems import headers_of
from api.library import Body
from api.web.words import ITEM_KINDS
from ingest.errors import CuecardError

Reader = needs("ask", page=True)
"""Who may see pages of the library; who needs a key is led to where it can be given."""

FOLDER = Path(__file__).parent
STATIC = FOLDER / "static"


def page(request: Request, template: str, status: int = 200, **values: Any) -> HTMLResponse:
    """A template as a response; every value is escaped unless it was sanitised before."""
    # told by the route's own guard; where that let nobody in, there is nobody
    who: Principal | None = getattr(request.state, "principal", None)
    text = _templates().get_template(template).render(who=who, version=metadata.version("cuecard"), **values)
    return HTMLResponse(text, status)


def error_page(request: Request, status: int, title: str, detail: str) -> HTMLResponse:
    """What went wrong, as a page; a fragment of one where a script asked."""
    return page(request, "error.html", status, title=title, detail=detail, active="", bare=is_fragment(request))


def is_fragment(request: Request) -> bool:
    """Whether a script of the page asks, which puts the answer into the page it has."""
    return request.headers.get("X-Fragment") == "1"


def source_url(source: Body, route: str = "/library/document") -> str:
    """Where a source is shown with its citation marked."""
    asked = {name: source[name] for name in ("collection", "version", "start", "end")}
    return f"{route}?{urlencode({'path': source['document'], **asked})}#cited"


class PageRoute(APIRoute):
    """A route for people: its errors are pages."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def handler(request: Request) -> Response:
            try:
                return await handle(request)
            except CuecardError as error:
                kind = kind_of(error)
                response = error_page(request, kind.status, kind.title, str(error))
                response.headers.update(headers_of(error))
                return response
            except HTTPException as error:
                response = error_page(request, error.status_code, HTTPStatus(error.status_code).phrase, error.detail)
                response.headers.update(error.headers or {})
                return response
            except RequestValidationError:
                return error_page(
                    request, 422, "Invalid address", "This address can't be understood. Go back, and try another way."
                )

        return handler


@cache
def _templates() -> Environment:
    made = Environment(
        loader=FileSystemLoader(FOLDER / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters["day"] = lambda moment: (moment or "")[:10]
    made.filters["counted"] = _counted
    made.globals["kinds"] = ITEM_KINDS
    made.globals["source_url"] = source_url
    made.globals["address"] = lambda route, **query: (
        f"{route}?{urlencode({k: v for k, v in query.items() if v is not None})}"
    )
    return made


def _counted(number: int, one: str, many: str | None = None) -> str:
    return f"{number:,} {one if number == 1 else many or one + 's'}"
