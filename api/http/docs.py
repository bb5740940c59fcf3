"""`GET /docs`: Swagger UI, from this server alone: no other site is asked, and no script stands in the page."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

from fastapi import APIRouter
from starlette.exceptions import HTTPException
from starlette.responses import FileResponse, HTMLResponse, Response

from api.http.access import Public

router = APIRouter(include_in_schema=False, dependencies=[Public])

FILES = {
    "swagger-ui-bundle.js": "text/javascript",
    "swagger-ui.css": "text/css",
}
"""What the package fastapi-offline keeps of Swagger UI, and we serve."""

_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>cuecard: HTTP API</title>
<link rel="stylesheet" href="/docs/swagger-ui.css">
</head>
<body>
<div id="swagger-ui"></div>
<noscript>This page needs JavaScript. The same is in <a href="/openapi.json">openapi.json</a>.</noscript>
<script src="/docs/swagger-ui-bundle.js"></script>
<script src="/docs/start.js"></script>
</body>
</html>
"""
_START = """SwaggerUIBundle({
  url: "/openapi.json",
  dom_id: "#swagger-ui",
  deepLinking: true,
  presets: [SwaggerUIBundle.presets.apis, SwaggerUIBundle.SwaggerUIStandalonePreset],
  layout: "BaseLayout",
});
"""


@router.get("/docs")
def docs() -> HTMLResponse:
    """The routes, to read and to try."""
    return HTMLResponse(_PAGE)


@router.get("/docs/start.js")
def start() -> Response:
    """What begins it; a script of its own, because the page allows none within it."""
    return Response(_START, media_type="text/javascript")


@router.get("/docs/{name}")
def file(name: str) -> FileResponse:
    """A file of Swagger UI."""
    if name not in FILES:
        raise HTTPException(404)
    return FileResponse(_folder() / name, media_type=FILES[name], headers={"Cache-Control": "max-age=86400"})


def _folder() -> Path:
    # looked up, not imported: the package would bring in an application of its own
    found = find_spec("fastapi_offline")
    places = found.submodule_search_locations if found is not None else None
    if not places:
        raise HTTPException(404)
    return Path(places[0]) / "static"
