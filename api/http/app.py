"""The HTTP API as an ASGI application: `create_app(library)` here, `create_app()` in any ASGI host."""

from __future__ import annotations

import logging
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from importlib import metadata

from fastapi import FastAPI
from starlette.concurrency import run_in_threadpool

from api.chat.bots import Bots, open_bots
from api.chat.metrics import ChatMetrics
from api.home import own
from api.http.access import Access
from api.http.admin import router as admin
from api.http.changing import router as changing
from api.http.chats import router as chats
from api.http.docs import router as docs
from api.http.gate import Gate
from api.http.limits import LimitAddresses, RateLimits
from api.http.middleware import Requests
from api.http.openapi import complete_openapi
from api.http.operations import router as operations
from api.http.problems import handle_problems
from api.http.questions import router as questions
from api.http.reading import router as reading
from api.http.security import SecurityHeaders
from api.http.sessions import handle_logins
from api.http.sessions import router as sessions
from api.library import Library
from api.local import LocalLibrary
from api.metrics import Metrics
from api.settings import Settings, load_settings
from api.standing import Standing
from api.tracing import Tracing
from api.uploads import Uploads
from api.web.site import add_site

DESCRIPTION = """Every answer cites document and lines, or says that the library does not cover the question.

A key (`cuecard keys create`) goes into `Authorization: Bearer`. It says what may be done (scopes `ask`, `ingest`,
`admin`) and what of the library is there for its holder. As long as there never was a key, a server that listens on
the loopback address needs none: programs of its machine and its own pages may ask and change the library. Pages of
other web sites are refused with 403.
"""

WARM_UP_SECONDS = 20.0
"""How long a server that is told to stop waits for its models to be loaded."""

_log = logging.getLogger("cuecard.http")


def create_app(
    library: Library | None = None,
    settings: Settings | None = None,
    *,
    token: str | None = None,
    local: bool = False,
    bots: Bots | None = None,
    insecure: bool = False,
) -> FastAPI:
    """The application. Without `library` it opens the home of `settings` (else of the environment) when it starts.

    `token` allows everything. `local`: only this machine reaches the server, and whoever sits at it needs no key
    unless there are keys; `insecure`: nobody does in order to ask. See `api.http.access`. A library that is given
    stays the caller's to close. `bots` are those of the settings where none are given.
    """

    settings = settings or (load_settings() if library is None else None)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        app.state.gate = Gate.of(settings)
        mine = await run_in_threadpool(_open, settings) if library is None and settings else None
        app.state.library = library or mine
        if isinstance(app.state.library, LocalLibrary):
            opened = app.state.library
            app.state.access = replace(access, keys=opened.keys, require=opened.settings.require_key)
            app.state.uploads = Uploads(app.state.library, app.state.metrics.job_ended)
            app.state.uploads.start()
            app.state.library.record()
            app.state.library.observers.append(app.state.metrics.answered)
            app.state.library.ingest_observers.append(app.state.metrics.ingested)
            app.state.library.rating_observers.append(app.state.metrics.rated)
            if app.state.tracing is not None:
                app.state.library.observers.append(app.state.tracing.answered)
        app.state.metrics.watch(Standing(app.state.library, app.state.gate, app.state.limits, app.state.uploads))
        if bots is None and settings is not None:
            app.state.bots = await run_in_threadpool(open_bots, settings, app.state.library)
        if app.state.bots is not None:
            app.state.metrics.watch(ChatMetrics(app.state.bots.store))
            app.state.bots.start()
        warming = threading.Thread(target=_warm_up, args=[app.state.library], daemon=True)
        warming.start()
        try:
            yield
        finally:
            # a process that ends while a model is being loaded is aborted
            await run_in_threadpool(warming.join, WARM_UP_SECONDS)
            if app.state.bots is not None:
                await run_in_threadpool(app.state.bots.close)
            app.state.gate.close()
            if app.state.uploads is not None:
                await run_in_threadpool(app.state.uploads.close)
            if mine is not None:
                await run_in_threadpool(mine.close)
            if app.state.tracing is not None:
                await run_in_threadpool(app.state.tracing.close)

    app = FastAPI(
        title="cuecard",
        summary="A grounded knowledge base over interview material.",
        description=DESCRIPTION,
        version=metadata.version("cuecard"),
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
    )
    access = Access(token=token, local=local, insecure=insecure)
    app.state.library, app.state.uploads, app.state.access = library, None, access
    app.state.bots = bots
    app.state.limits, app.state.metrics = RateLimits(settings), Metrics()
    app.state.tracing = Tracing.of(settings)
    app.state.log_questions = settings is not None and settings.log_questions == "yes"
    app.add_middleware(LimitAddresses)
    app.add_middleware(SecurityHeaders)
    app.add_middleware(Requests)
    handle_problems(app)
    handle_logins(app)
    for router in (questions, reading, changing, operations, admin, sessions, docs, chats):
        app.include_router(router)
    add_site(app, settings.results if settings else None)
    complete_openapi(app)
    return app


def _open(settings: Settings) -> Library:
    return LocalLibrary(settings, own(settings, "serve", create=True), _log.info)


def _warm_up(library: Library) -> None:
    """Load what the first question needs, while nobody waits."""
    try:
        library.doctor()
        if isinstance(library, LocalLibrary):
            library.warm_up()
    except Exception:
        # nobody waits for this thread; the first question will tell its asker
        _log.exception("warming up failed")
