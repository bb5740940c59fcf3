"""What OpenAPI says beyond what each route declares: the errors that any may give, and an example of each answer."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI

from api.http.deps import problems
from api.http.examples import EXAMPLES
from api.http.schemas import Problem

EVERYWHERE = (401, 403, 429)
"""Who asks may be the trouble with any route."""

WITH_BODY = (400, 413, 415)

_METHODS = ("get", "post", "put", "patch", "delete")


def complete_openapi(app: FastAPI) -> None:
    """Have `app.openapi()` tell all of it. To be called when all routes are there."""
    plain = app.openapi

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            _complete(plain())
        return plain()

    app.openapi = openapi  # type: ignore[method-assign]  # the documented way to extend it


def _complete(document: dict[str, Any]) -> None:
    shape = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
    inner = shape.pop("$defs", {})
    document.setdefault("components", {}).setdefault("schemas", {}).update({Problem.__name__: shape, **inner})
    for path, operations in document["paths"].items():
        for method in _METHODS:
            if method in operations:
                _complete_operation(method, path, operations[method])


def _complete_operation(method: str, path: str, operation: dict[str, Any]) -> None:
    responses = operation["responses"]
    for status, response in problems(*EVERYWHERE, *(WITH_BODY if method == "post" else ())).items():
        responses.setdefault(str(status), response)
    if (method, path) in EXAMPLES:
        done = responses[min(responses)]
        media_type = next(iter(done["content"]))
        done["content"][media_type].setdefault("example", EXAMPLES[method, path])
    operation["responses"] = dict(sorted(responses.items()))
