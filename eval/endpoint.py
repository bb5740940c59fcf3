"""`--url`: an HTTP endpoint that speaks the contract, as a system to evaluate.

`POST /search` (`{"query", "k", "collection"?}` → `{"hits": [...]}`), or `POST /ask` where the address ends so: then the
answer's sources are the ranking. A key goes along as `Authorization: Bearer`.
"""

from __future__ import annotations

import os
import time
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

import httpx

from eval.library import fingerprint
from eval.runs import Result, Returned
from ingest.errors import IndexUnavailableError, UsageError

TIMEOUT_SECONDS = 120.0
_TRIES = 4
_LONGEST_WAIT = 30.0


class Endpoint:
    """One address. Questions that fail raise; `run_system` turns that into a result."""

    def __init__(self, url: str, *, k: int, collection: str | None = None, key: str | None = None) -> None:
        """`url`: of the server (`/search` is added), or one that ends in `/search` or `/ask`. Raises UsageError."""
        try:
            usable = urlsplit(url).scheme in ("http", "https") and bool(urlsplit(url).hostname)
        except ValueError:
            usable = False
        if not usable:
            raise UsageError(f"--url {url!r} is no address.", hint="Write http://HOST:PORT.")
        address = url.rstrip("/")
        self.name = address
        self.asks = address.endswith("/ask")
        self._base = address.removesuffix("/ask").removesuffix("/search")
        self._k, self._collection = k, collection
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        timeout = httpx.Timeout(TIMEOUT_SECONDS, connect=5.0)
        self._client = httpx.Client(headers=headers, timeout=timeout, trust_env=False)

    def search(self, query: str) -> Returned:
        """What comes back for a question, and how long the try that succeeded took."""
        given = {"k": self._k, **({"collection": self._collection} if self._collection is not None else {})}
        body = {"question": query, **given} if self.asks else {"query": query, **given}
        response, spent = self._post("/ask" if self.asks else "/search", body)
        found = response.json()
        hits = found["sources" if self.asks else "hits"]
        passages = tuple(_passage(hit, "quote" if self.asks else "text") for hit in hits)
        return Returned(passages[: self._k], round(spent, 3))

    def probe(self, query: str) -> None:
        """Ask once. Raises UsageError where the address or the key is wrong, IndexUnavailableError where it is down."""
        try:
            self.search(query)
        except httpx.HTTPStatusError as error:
            status = error.response.status_code
            message = f"{self.name} answers {status}: {_detail(error.response)}"
            if status >= 500 or status == 429:
                raise IndexUnavailableError(message) from error
            hint = "Name the variable that holds a key with --key-env." if status in (401, 403) else ""
            raise UsageError(message, hint=hint) from error
        except httpx.HTTPError as error:
            raise IndexUnavailableError(f"{self.name} can't be reached ({error}).", hint="Is it running?") from error
        except (ValueError, KeyError, TypeError) as error:
            raise UsageError(f"{self.name} doesn't answer as the contract says ({error!r}).") from error

    def texts(self, files: set[str]) -> tuple[dict[str, str], dict[str, Any]]:
        """(path -> canonical text of those of `files` that the endpoint serves, what it says of its documents).

        Both are empty where it serves no documents.
        """
        try:
            params = {} if self._collection is None else {"collection": self._collection}
            response = self._client.get(f"{self._base}/documents", params=params)
            documents = response.raise_for_status().json()["documents"]
            texts = {}
            for document in documents:
                if document["path"] in files:
                    text = self._client.get(f"{self._base}/documents/{document['id']}/text").raise_for_status()
                    texts[document["path"]] = text.text
            ordered = sorted((d["collection"], d["path"], d["version"]) for d in documents)
            named = fingerprint((path, version) for _, path, version in ordered)
            return texts, {"fingerprint": named, "documents": len(documents)}
        except (httpx.HTTPError, ValueError, KeyError, TypeError):
            return {}, {}

    def close(self) -> None:
        """Let go of the connections."""
        self._client.close()

    def _post(self, route: str, body: Mapping[str, Any]) -> tuple[httpx.Response, float]:
        """The response, and milliseconds. Too many requests: waits as long as it is told, and tries again."""
        for left in reversed(range(_TRIES)):
            started = time.perf_counter()
            response = self._client.post(f"{self._base}{route}", json=body)
            spent = (time.perf_counter() - started) * 1000
            if response.status_code != 429 or not left:
                break
            time.sleep(_wait(response))
        return response.raise_for_status(), spent


def key_from(variable: str | None, urls: Sequence[str]) -> str | None:
    """The key that an environment variable holds. Raises UsageError where it is empty, or would go to two servers."""
    if variable is None:
        return None
    if len({urlsplit(url).netloc for url in urls}) != 1:
        raise UsageError("--key-env goes with --url, and one key to one server.")
    key = os.environ.get(variable, "").strip()
    if not key:
        raise UsageError(f"--key-env: the variable {variable} is not set.", hint="Put the key into it.")
    return key


def _passage(hit: Mapping[str, Any], text: str) -> Result:
    start, end, score = hit.get("start"), hit.get("end"), hit.get("score")
    return Result(
        file=str(hit["document"]),
        start=None if start is None else int(start),
        end=None if end is None else int(end),
        text=str(hit.get(text) or ""),
        score=None if score is None else float(score),
        chunk_id=None if hit.get("id") is None else str(hit["id"]),
    )


def _detail(response: httpx.Response) -> str:
    try:
        return str(response.json()["detail"])
    except (ValueError, KeyError, TypeError):
        return response.reason_phrase


def _wait(response: httpx.Response) -> float:
    try:
        return min(_LONGEST_WAIT, max(0.0, float(response.headers.get("Retry-After", "1"))))
    except ValueError:
        return 1.0
