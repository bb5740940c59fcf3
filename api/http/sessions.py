"""Web sessions: a key once given at `/login` is stood for by a cookie, until logout, some hours or the key's end.

The cookie holds 256 random bits, of which the catalog keeps a hash. No script can read it, and a browser sends it with
no request that another site began (`SameSite=Strict`); what changes anything must also come from a page of this server
(`api.http.access`), which is why forms carry no further token.
"""

from __future__ import annotations

from typing import Annotated, Any, cast
from urllib.parse import parse_qs

from fastapi import APIRouter, FastAPI, Query, Request
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.responses import HTMLResponse, RedirectResponse, Response

from api.http.access import SESSION_COOKIE, Access, LoginNeededError, Public, is_own_page, login_address
from api.keys import SESSION_HOURS, Key
from api.web.pages import page

router = APIRouter(include_in_schema=False, dependencies=[Public])

MAX_FORM = 16 * 1024
"""Bytes of a form that are read."""

MAX_FIELDS = 10

_OTHER_SITE = "Only the login page of this server can do this."


def handle_logins(app: FastAPI) -> None:
    """Send people who have to log in to where they can."""
    app.add_exception_handler(LoginNeededError, _on_login_needed)


@router.get("/login")
def login_page(request: Request, to: Annotated[str, Query(alias="next", max_length=2000)] = "/") -> HTMLResponse:
    """A form for the key."""
    return _page(request, to)


@router.post("/login")
async def login(request: Request) -> Response:
    """Begin a session with the key in the form, and go on to `next`."""
    if not is_own_page(request.headers):
        raise HTTPException(403, _OTHER_SITE)
    form = await _form(request)
    target = _own_path(form.get("next", "/"))
    access: Access = request.app.state.access
    key = await run_in_threadpool(_find, access, form.get("key", ""))
    if key is None:
        return _page(request, target, said="This key opens nothing: it is unknown, expired or revoked.", status=403)
    if access.keys is None:
        raise HTTPException(403, _OTHER_SITE)
    token, _ = await run_in_threadpool(access.keys.begin_session, key)
    response = RedirectResponse(target, 303)
    response.set_cookie(
        SESSION_COOKIE,
        token,
        max_age=SESSION_HOURS * 3600,
        httponly=True,
        samesite="strict",
        secure=_is_https(request),
    )
    return response


@router.post("/logout")
async def logout(request: Request) -> Response:
    """End the session."""
    if not is_own_page(request.headers):
        raise HTTPException(403, _OTHER_SITE)
    access: Access = request.app.state.access
    token = request.cookies.get(SESSION_COOKIE)
    if access.keys is not None and token:
        await run_in_threadpool(access.keys.end_session, token)
    response = RedirectResponse("/login", 303)
    response.delete_cookie(SESSION_COOKIE, httponly=True, samesite="strict", secure=_is_https(request))
    return response


def _find(access: Access, secret: str) -> Key | None:
    return access.keys.find(secret.strip()) if access.keys is not None and secret.strip() else None


def _page(request: Request, to: str, *, said: str = "", status: int = 200) -> HTMLResponse:
    return page(request, "login.html", status, said=said, next=_own_path(to), active="")


async def _form(request: Request) -> dict[str, str]:
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > MAX_FORM:
            raise HTTPException(413, f"The form is too large: at most {MAX_FORM // 1024} KiB are taken.")
    try:
        fields = parse_qs(body.decode("utf-8", "replace"), max_num_fields=MAX_FIELDS)
    except ValueError as error:
        raise HTTPException(422, f"The form has more than {MAX_FIELDS} fields.") from error
    return {name: values[0] for name, values in fields.items()}


def _own_path(target: str) -> str:
    """A path of this server; its root for whatever might lead elsewhere."""
    plain = target.startswith("/") and not target.startswith("//") and "\\" not in target and target.isprintable()
    return target if plain else "/"


def _is_https(request: Request) -> bool:
    return "https" in (request.url.scheme, request.headers.get("X-Forwarded-Proto"))


def _on_login_needed(request: Request, error: Exception) -> Any:  # noqa: ARG001 - as Starlette calls it
    return RedirectResponse(login_address(cast(LoginNeededError, error).target), 303)
