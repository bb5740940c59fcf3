"""A Qdrant server for tests: its REST API as far as `retrieval.server` speaks it, on a free port of the loopback.

The real client talks to it through real sockets. Collections live in qdrant-client's own engine; what that leaves out
and a server has is added here: payload indexes, the collection's configuration, and a facet that needs an index.
Faults are what happens to the next requests that match: nothing, half of the work, or an answer that is none.
"""

from __future__ import annotations

import json
import re
import socket
import struct
import threading
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from pydantic import BaseModel, ValidationError
from qdrant_client import QdrantClient
from qdrant_client import models as m
from qdrant_client.http.models import (
    CountRequest,
    CreateCollection,
    CreateFieldIndex,
    FacetRequest,
    PointRequest,
    PointsList,
    QueryRequestBatch,
    UpdateCollection,
)

UPSERT, DELETE_POINTS = r"PUT /collections/[^/]+/points", r"POST /collections/[^/]+/points/delete"
QUERY, COUNT = r"POST /collections/[^/]+/points/query/batch", r"POST /collections/[^/]+/points/count"
ANY = r".*"

# What a collection of a real server has where nothing is asked for.
_DEFAULTS = {"shard_number": 1, "replication_factor": 1, "write_consistency_factor": 1}


@dataclass
class Fault:
    """What happens to a request instead of, or beside, what it asks for.

    `status` with `headers` and `body` is answered without doing the work. `slow_s`: the answer comes so late. `cut`:
    the connection is reset instead of an answer. `done`: the share of the points of an upsert, or of other work all
    (1) or nothing (0), that is done before.
    """

    status: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = None
    slow_s: float = 0.0
    cut: bool = False
    done: float = 1.0


def busy(retry_after: str | None = None) -> Fault:
    """503, as of a server that is starting."""
    headers = {} if retry_after is None else {"Retry-After": retry_after}
    body = b'{"status":{"error":"Service is starting"},"time":0}'
    return Fault(status=503, headers=headers, body=body, done=0)


class QdrantDouble:
    """A server to start, stop and start again; what it holds stays. `requests` are those that came, "PUT /path"."""

    def __init__(self) -> None:
        self.requests: list[str] = []
        self.collections: dict[str, dict[str, Any]] = {}
        self.client = QdrantClient(location=":memory:")
        self.lock = threading.RLock()
        self.stopping = threading.Event()
        self._faults: list[tuple[re.Pattern[str], Fault, int]] = []
        self._http: _Http | None = None
        self._thread: threading.Thread | None = None
        self._port = 0
        self.up()

    @property
    def url(self) -> str:
        """Where it listens, or did before it was stopped."""
        return f"http://127.0.0.1:{self._port}"

    def up(self) -> None:
        """Listen, on the same port as before."""
        self.stopping.clear()
        handler = type("Handler", (_Handler,), {"double": self})
        self._http = _Http(("127.0.0.1", self._port), handler)
        self._port = self._http.server_address[1]
        self._thread = threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.01})
        self._thread.start()

    def down(self) -> None:
        """Listen no more: connections are refused, and those that are open end."""
        if self._http is not None and self._thread is not None:
            self.stopping.set()
            self._http.shutdown()
            self._thread.join()
            self._http.end_connections()
            self._http.server_close()
            self._http = None

    def close(self) -> None:
        """Stop, and forget everything."""
        self.down()
        self.client.close()

    def fail(self, fault: Fault, on: str = ANY, times: int = 1) -> None:
        """Let `fault` happen to the next `times` requests that match the pattern `on`."""
        self._faults.append((re.compile(on), fault, times))

    def heal(self) -> None:
        """No more faults."""
        self._faults.clear()

    def fault_for(self, request: str) -> Fault:
        """What happens to this request; nothing bad, mostly."""
        with self.lock:
            for at, (pattern, fault, times) in enumerate(self._faults):
                if pattern.fullmatch(request):
                    self._faults[at : at + 1] = [(pattern, fault, times - 1)] if times > 1 else []
                    return fault
        return Fault()

    def came(self, on: str) -> int:
        """How many requests matched the pattern."""
        return sum(bool(re.fullmatch(on, request)) for request in self.requests)

    def answer(self, request: str, body: bytes, share: float) -> Any:
        """The `result` of a request; of the points to be written only a share. Raises _RefusedError."""
        for pattern, work in _ROUTES:
            found = re.fullmatch(pattern, request)
            if found:
                with self.lock, warnings.catch_warnings():
                    warnings.simplefilter("ignore")
                    try:
                        return work(self, found["name"], body, share)
                    except (ValidationError, AssertionError) as error:
                        raise _RefusedError(400, f"Format error: {error}") from error
                    except ValueError as error:
                        raise _RefusedError(404 if "not found" in str(error) else 400, str(error)) from error
        raise _RefusedError(404, f"no route {request}")


@contextmanager
def qdrant_double() -> Iterator[QdrantDouble]:
    """A server for the block."""
    double = QdrantDouble()
    try:
        yield double
    finally:
        double.close()


class _RefusedError(Exception):
    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class _Http(ThreadingHTTPServer):
    daemon_threads = False
    block_on_close = True

    def __init__(self, *given: Any) -> None:
        self._open: set[socket.socket] = set()
        super().__init__(*given)

    def get_request(self) -> tuple[socket.socket, Any]:
        connection, address = super().get_request()
        self._open.add(connection)
        return connection, address

    def shutdown_request(self, request: Any) -> None:
        self._open.discard(request)
        super().shutdown_request(request)

    def end_connections(self) -> None:
        for connection in list(self._open):
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                continue

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that left is nothing to speak of."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    double: QdrantDouble

    def _serve(self) -> None:
        request = f"{self.command} {self.path.partition('?')[0]}"
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.double.requests.append(request)
        fault = self.double.fault_for(request)
        answered: tuple[int, bytes] = (200, b"")
        if fault.done:
            try:
                result = self.double.answer(request, body, fault.done)
                answered = (200, json.dumps({"result": result, "status": "ok", "time": 0.0}).encode())
            except _RefusedError as error:
                answered = (error.status, json.dumps({"status": {"error": str(error)}, "time": 0.0}).encode())
        if fault.slow_s:
            self.double.stopping.wait(fault.slow_s)
        if fault.cut:
            # gone without a word: the other side sees a reset
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.close_connection = True
            self.connection.close()
            return
        status, content = fault.status or answered[0], answered[1] if fault.body is None else fault.body
        self.send_response(status)
        for name, value in {"Content-Type": "application/json", **fault.headers}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_PUT = do_POST = do_PATCH = do_DELETE = _serve  # noqa: N815 - as in http.server

    def log_message(self, *_: Any) -> None:
        """Nothing: tests read `requests`."""


def _read(kind: type[Any], body: bytes) -> Any:
    return kind.model_validate_json(body)


def _dump(value: BaseModel) -> Any:
    return value.model_dump(mode="json", exclude_none=True)


def _exists(double: QdrantDouble, name: str, body: bytes, share: float) -> Any:  # noqa: ARG001
    return {"exists": name in double.collections}


def _create(double: QdrantDouble, name: str, body: bytes, share: float) -> Any:  # noqa: ARG001
    if name in double.collections:
        raise _RefusedError(409, f"Wrong input: Collection `{name}` already exists!")
    asked: CreateCollection = _read(CreateCollection, body)
    double.client.create_collection(
        name, vectors_config=asked.vectors, sparse_vectors_config=asked.sparse_vectors, metadata=asked.metadata
    )
    given = json.loads(body)
    params = {key: given.get(key) or default for key, default in _DEFAULTS.items()}
    double.collections[name] = {"params": params, "quantization": given.get("quantization_config"), "indexes": {}}
    return True


def _info(double: QdrantDouble, name: str, body: bytes, share: float) -> Any:  # noqa: ARG001
    held = double.collections.get(name)
    if held is None:
        raise _RefusedError(404, f"Not found: Collection `{name}` doesn't exist!")
    info = _dump(double.client.get_collection(name))
    info["config"]["params"].update(held["params"])
    info["config"]["quantization_config"] = held["quantization"]
    for vector, changed in held.get("vectors", {}).items():
        info["config"]["params"]["vectors"][vector].update(changed)
    info["payload_schema"] = {key: {"data_type": kind, "points": 0} for key, kind in held["indexes"].items()}
    return info


def _update(double: QdrantDouble, name: str, body: bytes, share: float) -> Any:  # noqa: ARG001
    asked: UpdateCollection = _read(UpdateCollection, body)
    given, held = json.loads(body), double.collections[name]
    double.client.update_collection(
        name, sparse_vectors_config=asked.sparse_vectors, metadata=asked.metadata, vectors_config=asked.vectors
    )
    held["params"].update(given.get("params") or {})
    if given.get("quantization_config"):
        quantized = given["quantization_config"]
        held["quantization"] = None if quantized == "Disabled" else quantized
    for vector, changed in (given.get("vectors") or {}).items():
        held.setdefault("vectors", {}).setdefault(vector, {}).update(changed)
    return True


def _delete(double: QdrantDouble, name: str, body: bytes, share: float) -> Any:  # noqa: ARG001
    return double.collections.pop(name, None) is not None and double.client.delete_collection(name)


def _add_index(double: QdrantDouble, name: str, body: bytes, share: float) -> Any:  # noqa: ARG001
    asked: CreateFieldIndex = _read(CreateFieldIndex, body)
    double.collections[name]["indexes"][asked.field_name] = json.loads(body)["field_schema"]
    return _acknowledged()


def _upsert(double: QdrantDouble, name: str, body: bytes, share: float) -> Any:
    points = _read(PointsList, body).points
    double.client.upsert(name, points[: round(len(points) * share)])
    return _acknowledged()


def _delete_points(double: QdrantDouble, name: str, body: bytes, share: float) -> Any:  # noqa: ARG001
    double.client.delete(name, _read(m.FilterSelector, body))
    return _acknowledged()


def _query(double: QdrantDouble, name: str, body: bytes, share: float) -> Any:  # noqa: ARG001
    asked: QueryRequestBatch = _read(QueryRequestBatch, body)
    return [_dump(found) for found in double.client.query_batch_points(name, asked.searches)]


def _count(double: QdrantDouble, name: str, body: bytes, share: float) -> Any:  # noqa: ARG001
    asked: CountRequest = _read(CountRequest, body)
    return _dump(double.client.count(name, count_filter=asked.filter, exact=bool(asked.exact)))


def _facet(double: QdrantDouble, name: str, body: bytes, share: float) -> Any:  # noqa: ARG001
    asked: FacetRequest = _read(FacetRequest, body)
    if asked.key not in double.collections.get(name, {"indexes": {}})["indexes"]:
        raise _RefusedError(400, f"Bad request: No appropriate index for faceting: `{asked.key}`.")
    return _dump(double.client.facet(name, asked.key, limit=asked.limit or 10, exact=bool(asked.exact)))


def _retrieve(double: QdrantDouble, name: str, body: bytes, share: float) -> Any:  # noqa: ARG001
    asked: PointRequest = _read(PointRequest, body)
    found = double.client.retrieve(name, asked.ids, asked.with_payload or True, asked.with_vector or False)
    return [_dump(record) for record in found]


def _acknowledged() -> Any:
    return {"operation_id": 0, "status": "completed"}


_NAME = r"/collections/(?P<name>[^/]+)"
_ROUTES: list[tuple[str, Callable[[QdrantDouble, str, bytes, float], Any]]] = [
    (rf"GET {_NAME}/exists", _exists),
    (rf"GET {_NAME}", _info),
    (rf"PUT {_NAME}", _create),
    (rf"PATCH {_NAME}", _update),
    (rf"DELETE {_NAME}", _delete),
    (rf"PUT {_NAME}/index", _add_index),
    (rf"PUT {_NAME}/points", _upsert),
    (rf"POST {_NAME}/points/delete", _delete_points),
    (rf"POST {_NAME}/points/query/batch", _query),
    (rf"POST {_NAME}/points/count", _count),
    (rf"POST {_NAME}/facet", _facet),
    (rf"POST {_NAME}/points", _retrieve),
]
