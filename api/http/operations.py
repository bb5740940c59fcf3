"""Whether the server is well, and what it counts."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import Response

from api.http.access import Operator, Public
from api.http.deps import TheLibrary, problems
from api.http.library_schemas import ReadyBody
from api.http.problems import RETRY_SECONDS, problem
from api.metrics import CONTENT_TYPE, Metrics

router = APIRouter(tags=["operations"])

_METRICS: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "Counters in Prometheus's text format.",
        "content": {"text/plain": {"schema": {"type": "string"}}},
    }
}


@router.get("/healthz", dependencies=[Public])
async def healthz() -> dict[str, str]:
    """Whether the process answers."""
    return {"status": "ok"}


@router.get("/readyz", response_model=ReadyBody, responses=problems(503), dependencies=[Public])
def readyz(request: Request, library: TheLibrary) -> Any:
    """Whether questions can be answered, and what is degraded. 503 where nothing useful can be said."""
    report = library.doctor()
    degraded = [check for check in report["checks"] if check["state"] in ("degraded", "failed")]
    if not report["ready"]:
        said = " ".join(f"{check['name']}: {check['detail']} {check['hint']}".strip() for check in degraded)
        return problem(
            request, 503, f"Not ready. {said}", name="not-ready", headers={"Retry-After": str(RETRY_SECONDS)}
        )
    return {"status": "degraded" if degraded else "ready", "degraded": degraded}


@router.get("/metrics", response_class=Response, responses=_METRICS, dependencies=[Operator])
def metrics(request: Request) -> Response:
    """What the server counts, for Prometheus: requests, stages of answers, caches, the queue, verdicts, the index."""
    counted: Metrics = request.app.state.metrics
    return Response(counted.text(), media_type=CONTENT_TYPE)
