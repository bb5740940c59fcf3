"""What goes wrong between here and a Qdrant server: which of it is worth another try, and what it is in words.

All calls of the adapter may be repeated: points have ids of their own, and what is deleted twice is deleted.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TypeVar

import httpx
from qdrant_client.common.client_exceptions import ResourceExhaustedResponse
from qdrant_client.http.exceptions import ResponseHandlingException, UnexpectedResponse
from tenacity import RetryCallState, Retrying, retry_if_exception, stop_after_attempt, stop_before_delay
from tenacity.wait import wait_random_exponential

from ingest.errors import IndexUnavailableError
from retrieval.server_options import ServerOptions

_T = TypeVar("_T")

NOT_FOUND = 404
_PASSING = frozenset({429, 500, 502, 503, 504})  # a replica that restarts, a gateway without a server, a full queue
_FIRST_S, _MOST_S = 0.2, 4.0
_SOON_S = 1.0  # a person who asks a question doesn't wait for longer than this before the second try
_ENOUGH = 200  # characters of what a server says
_CHECK = "Check that it runs and that CUECARD_QDRANT_URL and CUECARD_QDRANT_API_KEY are right."


def asked(work: Callable[[], _T]) -> _T:
    """What `work` gives, which somebody waits for: tried once more where that may help at once, not after a timeout."""
    tries = Retrying(
        stop=stop_after_attempt(2),
        wait=_wait,
        retry=retry_if_exception(
            lambda error: _passes(error) and not _timed_out(error) and (retry_after(error) or 0) <= _SOON_S
        ),
        reraise=True,
    )
    return tries(work)


def written(work: Callable[[], _T], patience_s: float) -> _T:
    """What `work` gives, tried again for `patience_s` seconds, with longer and longer pauses."""
    tries = Retrying(stop=stop_before_delay(patience_s), wait=_wait, retry=retry_if_exception(_passes), reraise=True)
    return tries(work)


def status_of(error: BaseException) -> int | None:
    """The HTTP status that the server answered with; None where there was no answer, or no server."""
    return error.status_code if isinstance(error, UnexpectedResponse) else None


def retry_after(error: BaseException | None) -> float | None:
    """Seconds after which the server wants to be asked again, where it says so in seconds."""
    if isinstance(error, ResourceExhaustedResponse):
        return max(0.0, float(error.retry_after_s))
    named = error.headers.get("Retry-After", "") if isinstance(error, UnexpectedResponse) else ""
    return float(named) if named.isdecimal() else None


def told(error: Exception, url: str, options: ServerOptions) -> IndexUnavailableError:
    """The error in our words: what happened, at which server, and what to do."""
    what, hint = _said(error, options)
    return IndexUnavailableError(f"The Qdrant server at {url} {what}.", hint=hint)


def _said(error: Exception, options: ServerOptions) -> tuple[str, str]:
    source = _source(error)
    if _timed_out(error):
        hint = "See how busy it is; CUECARD_QDRANT_TIMEOUT sets how many seconds it is waited for."
        return f"did not answer within {options.timeout_s} s", f"{hint} {_CHECK}"
    if isinstance(source, httpx.ConnectError):
        return f"can't be reached: {source}", _CHECK
    if isinstance(source, httpx.TransportError):
        return f"broke off the connection: {source}", _CHECK
    if isinstance(error, UnexpectedResponse):
        return _refused(error)
    if isinstance(error, ResourceExhaustedResponse):
        return f"takes no more requests for {error.retry_after_s} s: {error}", "Try again then, or give it more room."
    if _is_senseless(error):
        return "gave an answer that Qdrant doesn't give", f"See that nothing else answers at this address. {_CHECK}"
    return f"failed: {_one_line(str(error))}", _CHECK


def _refused(error: UnexpectedResponse) -> tuple[str, str]:
    status, said = error.status_code, _reason(error)
    if status in (401, 403):
        return f"refused the key ({status}{said})", "Set CUECARD_QDRANT_API_KEY to a key that may write."
    if status in _PASSING:
        pause = retry_after(error)
        hint = f"Try again in {pause:.0f} s." if pause is not None else "Try again; if it stays so, see its log."
        return f"can't answer now ({status}{said})", f"{hint} {_CHECK}"
    return f"refused the request ({status}{said})", _CHECK


def _reason(error: UnexpectedResponse) -> str:
    """What the server says about it, after a colon; nothing where that is not Qdrant's."""
    try:
        said = json.loads(error.content)["status"]["error"]
    except (ValueError, KeyError, TypeError):
        return f" {_one_line(error.reason_phrase)}" if error.reason_phrase else ""
    return f": {_one_line(str(said))}"


def _one_line(text: str) -> str:
    line = " ".join(text.split()).removesuffix(".")
    return line if len(line) <= _ENOUGH else f"{line[:_ENOUGH]}…"


def _source(error: BaseException) -> BaseException:
    return error.source if isinstance(error, ResponseHandlingException) else error


def _is_senseless(error: Exception) -> bool:
    """Whether an answer came that is not Qdrant's: not JSON, or other JSON than the client reads."""
    if isinstance(error, ResponseHandlingException):
        return isinstance(error.source, ValueError)
    return isinstance(error, json.JSONDecodeError | UnicodeDecodeError | AssertionError | AttributeError)


def _timed_out(error: BaseException) -> bool:
    return isinstance(_source(error), httpx.TimeoutException)


def _passes(error: BaseException) -> bool:
    """Whether the same call may do better in a moment."""
    if isinstance(error, ResourceExhaustedResponse):
        return True
    return status_of(error) in _PASSING or isinstance(_source(error), httpx.TransportError)


def _wait(state: RetryCallState) -> float:
    """Seconds to the next try: what the server asks for, else longer and longer, never the same for two clients."""
    named = retry_after(state.outcome.exception() if state.outcome else None)
    return named if named is not None else wait_random_exponential(_FIRST_S, _MOST_S, min=_FIRST_S / 2)(state)
