"""What chats send: `POST /slack/events` and `POST /mattermost/events`, and the way to install the Slack bot."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

from fastapi import APIRouter, Request
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, Response

from api.chat.bots import Bots
from api.http.access import Public
from api.http.deps import problems
from ingest.errors import NotFoundError

router = APIRouter(tags=["chats"], dependencies=[Public])

_log = logging.getLogger("cuecard.chat")

_NO_SLACK = "Slack is not set up on this server."
_NO_OAUTH = "The bot of this server is not installed by OAuth."
_SIGNATURE = "The request is not signed by Slack, or too old. See SLACK_SIGNING_SECRET and the clock of this machine."
_NO_MATTERMOST = "Mattermost is not set up on this server."
_UNPROVED = "Nothing shows that Mattermost sent this: its token is not one of this server's, or its button is too old."
_UNHEARD = "The event could not be written down."
_CONTENT = {
    "application/json": {"schema": {"type": "object"}},
    "application/x-www-form-urlencoded": {"schema": {"type": "object"}},
}


def _form(what: str) -> dict[str, Any]:
    return {"requestBody": {"description": what, "content": _CONTENT}}


_SLACK = _form("An event, a slash command or an interaction, as Slack sends it.")
_MATTERMOST = _form("A slash command, an outgoing webhook, a button or a dialog, as Mattermost sends it.")


@router.post("/slack/events", responses=problems(401, 404, 413, 415, 503), openapi_extra=_SLACK)
async def slack_events(request: Request) -> Response:
    """Take an event, slash command, shortcut or button press that Slack has signed; the answer goes through its API."""
    bots: Bots | None = request.app.state.bots
    if bots is None or bots.slack is None:
        raise NotFoundError(_NO_SLACK, hint="`cuecard slack doctor` says what is missing.")
    body = await request.body()
    handle = bots.slack.handle
    # threads of its own: questions that take long must not keep an acknowledgement waiting
    answered = await asyncio.get_running_loop().run_in_executor(bots.requests, handle, body, dict(request.headers))
    if answered.status == 401:
        raise HTTPException(401, _SIGNATURE)
    if answered.status >= 500:
        raise HTTPException(503, _UNHEARD, headers={"Retry-After": "1"})
    return Response(answered.body, answered.status, headers=answered.first_headers_without_set_cookie())


@router.post("/mattermost/events", responses=problems(401, 404, 413, 415, 503), openapi_extra=_MATTERMOST)
async def mattermost_events(request: Request) -> JSONResponse:
    """Take a slash command, a message or a button press that Mattermost proves to have sent, by a token or our seal."""
    bots: Bots | None = request.app.state.bots
    if bots is None or bots.mattermost is None:
        raise NotFoundError(_NO_MATTERMOST, hint="`cuecard mattermost doctor` says what is missing.")
    body = await request.body()
    handle, headers = bots.mattermost.handle, dict(request.headers)
    try:
        answered = await asyncio.get_running_loop().run_in_executor(bots.requests, handle, body, headers)
    except Exception as error:
        # Mattermost does not send it again; the person who asked sees that nothing happens
        _log.exception("an event of Mattermost's could not be taken")
        raise HTTPException(503, _UNHEARD, headers={"Retry-After": "1"}) from error
    if answered.status == 401:
        raise HTTPException(401, _UNPROVED)
    return JSONResponse(answered.body, answered.status)


@router.get("/slack/install", include_in_schema=False)
@router.get("/slack/oauth_redirect", include_in_schema=False)
async def slack_install(request: Request) -> Response:
    """Send a person to Slack to install the bot, and take them back."""
    bots: Bots | None = request.app.state.bots
    if bots is None or bots.slack is None or bots.slack.tokens.flow is None:
        raise NotFoundError(_NO_OAUTH, hint="Set SLACK_CLIENT_ID, or install it by token.")
    install, path = bots.slack.install, request.url.path
    query, cookies = dict(request.query_params), request.headers.get("cookie", "")
    answered = await asyncio.get_running_loop().run_in_executor(bots.requests, install, path, query, cookies)
    response = Response(answered.body, answered.status, headers=answered.first_headers_without_set_cookie())
    for value in answered.headers.get("set-cookie", ()):
        response.headers.append("set-cookie", value)
    return response
