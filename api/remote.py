"""A knowledge base behind the `cuecard serve` process that holds its home."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import httpx

from api.errors import from_problem
from api.library import MAX_CHANGES, Body, Filters, Progress, checked_limit
from ingest.errors import CuecardError, HomeBusyError, NotFoundError
from ingest.view import EVERYTHING, View

if TYPE_CHECKING:
    from answering.ports import Listener

ANSWER_SECONDS = 120.0

VIEW_HEADER = "X-Cuecard-View"
"""`{"audience", "collections"}` as JSON: show no more than that, whatever the key would allow."""


class RemoteLibrary:
    """Speaks HTTP to the server at `url`; `token` is the one from the owner file and allows administration.

    A `view` is narrowed by the server to what the token allows; a `listener` hears nothing.
    """

    def __init__(self, url: str, token: str | None) -> None:
        """`token`: also a key; None where the server wants none."""
        self._url = url
        self._client = httpx.Client(
            base_url=url,
            headers={"Authorization": f"Bearer {token}"} if token else {},
            timeout=httpx.Timeout(ANSWER_SECONDS, connect=2.0),
            trust_env=False,
        )

    def reachable(self) -> bool:
        """Whether a cuecard server answers there."""
        try:
            return self._client.get("/healthz", timeout=2.0).status_code == 200
        except httpx.HTTPError:
            return False

    def ask(
        self,
        question: str,
        *,
        collection: str | None,
        filters: Filters,
        mode: str,
        k: int | None,
        conversation_id: str | None = None,
        view: View = EVERYTHING,
        listener: Listener | None = None,  # noqa: ARG002
        who: str | None = None,  # noqa: ARG002
    ) -> Body:
        body = {"question": question, "collection": collection, "filters": _lists(filters), "mode": mode, "k": k}
        body["conversation_id"] = conversation_id
        return self._send("POST", "/ask", view, json=_given(body))

    def search(self, query: str, *, k: int, collection: str | None, filters: Filters, view: View = EVERYTHING) -> Body:
        body = {"query": query, "k": k, "collection": collection, "filters": _lists(filters)}
        return self._send("POST", "/search", view, json=_given(body))

    def check(self, answer: str, sources: Sequence[Mapping[str, str]], question: str | None) -> Body:
        return self._send(
            "POST", "/check", json=_given({"answer": answer, "sources": [*sources], "question": question})
        )

    def ingest(self, paths: Sequence[Path], *, collection: str, yes: bool, progress: Progress | None) -> Body:
        body = {"paths": [str(path) for path in paths], "collection": collection, "yes": yes}
        return self._follow("/admin/ingest", body, progress)

    def documents(self, collection: str | None, *, view: View = EVERYTHING) -> Body:
        return self._send("GET", "/documents", view, params=_given({"collection": collection}))

    def questions(self, text: str, *, limit: int, view: View = EVERYTHING) -> Body:
        return self._send("GET", "/questions", view, params={"q": text, "limit": limit})

    def facets(self, *, view: View = EVERYTHING) -> Body:
        return self._send("GET", "/facets", view)

    def document(self, id_or_path: str, collection: str | None, *, view: View = EVERYTHING) -> Body:
        return self._send(
            "GET", self._route(id_or_path, collection, view), view, params=_given({"collection": collection})
        )

    def document_text(self, id_or_path: str, collection: str | None, *, view: View = EVERYTHING) -> Body:
        document = self.document(id_or_path, collection, view=view)
        with self._talking():
            response = self._client.get(f"/documents/{document['id']}/text", headers=_headers(view))
        if response.is_error:
            raise _error(response)
        version = response.headers.get("ETag", "").strip('"')
        return {"id": document["id"], "path": document["path"], "version": version, "text": response.text}

    def versions(self, id_or_path: str, collection: str | None, *, view: View = EVERYTHING) -> Body:
        route = self._route(id_or_path, collection, view)
        return self._send("GET", f"{route}/versions", view, params=_given({"collection": collection}))

    def diff(
        self,
        id_or_path: str,
        old: str | None,
        new: str | None,
        collection: str | None,
        *,
        view: View = EVERYTHING,
    ) -> Body:
        route = self._route(id_or_path, collection, view)
        parameters = _given({"collection": collection, "from": old, "to": new})
        return self._send("GET", f"{route}/diff", view, params=parameters)

    def delete_document(self, id_or_path: str, collection: str | None, *, view: View = EVERYTHING) -> Body:
        route = self._route(id_or_path, collection, view)
        return self._send("DELETE", route, view, params=_given({"collection": collection}))

    def quarantine(self, *, dropped: bool = False, view: View = EVERYTHING) -> Body:
        return self._send("GET", "/quarantine", view, params={"dropped": dropped})

    def quarantine_entry(self, id_or_prefix: str, *, view: View = EVERYTHING) -> Body:
        return self._send("GET", _entry(id_or_prefix), view)

    def retry(self, entry_id: str, progress: Progress | None) -> Body:
        return self._follow("/admin/retry", {"entry": entry_id}, progress)

    def drop(self, entry_id: str, *, view: View = EVERYTHING) -> Body:
        return self._send("POST", f"{_entry(entry_id)}/drop", view)

    def changes(self, since: int, limit: int = MAX_CHANGES, *, view: View = EVERYTHING) -> Body:
        return self._send("GET", "/changes", view, params={"since": since, "limit": checked_limit(limit)})

    def repair(self, progress: Progress | None) -> Body:
        return self._follow("/admin/repair", {}, progress)

    def feedback(
        self,
        answer_id: str,
        rating: str,
        comment: str | None,
        *,
        view: View = EVERYTHING,
        who: str | None = None,  # noqa: ARG002 - the server knows by the key
    ) -> Body:
        body = _given({"answer_id": answer_id, "rating": rating, "comment": comment})
        return self._send("POST", "/feedback", view, json=body)

    def upload(self, files: Mapping[str, bytes], *, collection: str, path: str, key: str | None) -> Body:
        """Add files, by name; `key` is an Idempotency-Key. The job."""
        parts = [("file", (name, content)) for name, content in files.items()]
        headers = {"Idempotency-Key": key} if key else {}
        with self._talking():
            response = self._client.post(
                "/documents", files=parts, data={"collection": collection, "path": path}, headers=headers
            )
        return _body(response)

    def job(self, job_id: str) -> Body:
        """What became of an upload or a retry."""
        return self._send("GET", f"/jobs/{quote(job_id, safe='')}")

    def stream(self, body: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
        """The events of an answer as it is made: their names, and their data as JSON says it."""
        name = ""
        with (
            self._talking(),
            self._client.stream("POST", "/ask", json=_given({**body, "stream": True})) as response,
        ):
            if response.is_error:
                response.read()
                raise _error(response)
            for line in response.iter_lines():
                field, _, value = line.partition(": ")
                if field == "event":
                    name = value
                elif field == "data":
                    yield name, json.loads(value)

    def gaps(self, days: int | None = None) -> Body:
        return self._send("GET", "/admin/gaps", params=_given({"days": days}))

    def stats(self, *, view: View = EVERYTHING) -> Body:
        return self._send("GET", "/admin/stats", view)

    def create_key(
        self, name: str, *, scopes: Sequence[str], audience: str | None, collections: Sequence[str], expires: str | None
    ) -> Body:
        body = {"name": name, "scopes": [*scopes], "audience": audience, "collections": [*collections]}
        return self._send("POST", "/admin/keys", json=_given({**body, "expires": expires}))

    def list_keys(self) -> Body:
        return self._send("GET", "/admin/keys")

    def revoke_key(self, id_or_prefix: str) -> Body:
        return self._send("DELETE", f"/admin/keys/{quote(id_or_prefix, safe='')}")

    def doctor(self) -> Body:
        return self._send("GET", "/admin/doctor")

    def close(self) -> None:
        self._client.close()

    def _route(self, id_or_path: str, collection: str | None, view: View) -> str:
        """The route of a document. Its path, where it has several parts, can't stand in a route: it is looked up."""
        if "/" not in id_or_path:
            return f"/documents/{quote(id_or_path, safe='')}"
        for document in self.documents(collection, view=view)["documents"]:
            if document["path"] == id_or_path:
                return f"/documents/{document['id']}"
        raise NotFoundError(f"There is no document {id_or_path}.", hint="`cuecard docs list` shows what there is.")

    def _follow(self, route: str, body: Mapping[str, Any], progress: Progress | None) -> Body:
        """The report of work that takes long, which the server tells of line by line."""
        with self._talking(), self._client.stream("POST", route, json=body, timeout=None) as response:
            if response.is_error:
                response.read()
                raise _error(response)
            for line in response.iter_lines():
                event = json.loads(line)
                if "report" in event:
                    report: Body = event["report"]
                    return report
                if "problem" in event:
                    problem = event["problem"]
                    raise from_problem(problem["type"], problem["detail"], problem["status"])
                if progress is not None:
                    progress(event["phase"], event["done"], event["total"])
        raise HomeBusyError(f"The server at {self._url} stopped in the middle.", hint="Run the command again.")

    def _send(self, method: str, route: str, view: View = EVERYTHING, **arguments: Any) -> Body:
        with self._talking():
            response = self._client.request(method, route, headers=_headers(view), **arguments)
        return _body(response)

    @contextmanager
    def _talking(self) -> Iterator[None]:
        try:
            yield
        except httpx.TimeoutException as error:
            raise HomeBusyError(
                f"The server at {self._url} took too long.", hint="Try again, or restart it."
            ) from error
        except httpx.HTTPError as error:
            raise HomeBusyError(
                f"The server at {self._url}, which holds the home, can't be reached ({error}).",
                hint="Run the command again.",
            ) from error


def _entry(id_or_prefix: str) -> str:
    return f"/quarantine/{quote(id_or_prefix, safe='')}"


def _body(response: httpx.Response) -> Body:
    if response.is_error:
        raise _error(response)
    body: Body = response.json()
    return body


def _error(response: httpx.Response) -> CuecardError:
    try:
        problem = response.json()
        return from_problem(problem["type"], problem["detail"], response.status_code)
    except (ValueError, KeyError, TypeError):
        return CuecardError(f"The server answered {response.status_code} without saying why.", hint="Look at its log.")


def _headers(view: View) -> dict[str, str]:
    """What has the server narrow its answer to what `view` may see."""
    if view == EVERYTHING:
        return {}
    collections = None if view.collections is None else sorted(view.collections)
    return {VIEW_HEADER: json.dumps({"audience": view.audience, "collections": collections})}


def _given(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}


def _lists(filters: Filters) -> dict[str, list[str]]:
    return {name: list(values) for name, values in filters.items()}
