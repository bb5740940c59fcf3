"""Uploads through a real server: kept, ingested in the background, asked about; refused where they must be."""

from __future__ import annotations

import io
import logging
import socket
import threading
import time
import zipfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn

from api import uploads
from api.home import own
from api.http.app import create_app
from api.local import LocalLibrary
from api.settings import load_settings
from api.upload_store import DRAFTS, MAX_REQUEST_BYTES
from ingest.errors import IndexUnavailableError
from ingest.formats.decode import MAX_FILE_BYTES
from tests.api.conftest import Cuecard
from tests.api.test_http import assert_problem
from tests.api.test_serve import serving

ZEBRA = (
    "# Zebras\n\nQ1: Which stripes does the zebra Quentin have?\nAnswer: Quentin has exactly forty violet stripes.\n"
)
Files = list[tuple[str, tuple[str, bytes]]]


def files(*named: tuple[str, str | bytes]) -> Files:
    """What httpx sends as a form of files."""
    return [("file", (name, text.encode() if isinstance(text, str) else text)) for name, text in named]


def finished(client: httpx.Client, job_id: str, seconds: float = 60) -> dict[str, Any]:
    """The job, once it has come to its end."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        job: dict[str, Any] = client.get(f"/jobs/{job_id}").json()
        if job["state"] in ("done", "failed"):
            return job
        time.sleep(0.05)
    raise AssertionError(f"not finished in {seconds} s: {job}")


@contextmanager
def running(home: Path) -> Iterator[tuple[httpx.Client, LocalLibrary]]:
    """A server in this process, over real sockets, and the library behind it."""
    settings = load_settings(home, {})
    library = LocalLibrary(settings, own(settings, "serve", create=True))
    config = uvicorn.Config(create_app(library, local=True), port=0, log_config=None)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60) as client:
            yield client, library
    finally:
        server.should_exit = True
        thread.join()
        library.close()


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[httpx.Client, LocalLibrary]]:
    """One server for the tests that leave each other alone."""
    with running(tmp_path_factory.mktemp("served") / "home") as both:
        yield both


@pytest.fixture
def client(served: tuple[httpx.Client, LocalLibrary]) -> httpx.Client:
    return served[0]


def test_an_upload_becomes_an_answer_and_a_deletion_ends_it(tmp_path: Path, cuecard: Cuecard) -> None:
    home = tmp_path / "home"
    with running(home) as (client, _):
        response = client.post("/documents", files=files(("zebra.md", ZEBRA)), data={"path": "animals/stripes"})
        assert response.status_code == 202
        job = response.json()
        assert response.headers["Location"] == f"/jobs/{job['id']}"
        assert (job["state"], job["documents"]) == ("queued", ["animals/stripes/zebra.md"])
        job = finished(client, job["id"])
        assert (job["state"], job["problem"]) == ("done", None)
        assert job["report"]["documents"]["added"] == 1
        assert job["report"]["items"]["qa"] == 1
        assert job["created_at"] <= job["started_at"] <= job["finished_at"]

        answer = client.post("/ask", json={"question": "Which stripes does the zebra Quentin have?"}).json()
        assert "forty violet stripes" in answer["answer"]
        assert answer["sources"][0]["document"] == "animals/stripes/zebra.md"
        [document] = client.get("/documents").json()["documents"]
        stored = Path(document["source"])
        assert stored == home.resolve() / "uploads/default/animals/stripes/zebra.md"
        assert stored.read_text(encoding="utf-8") == ZEBRA

        again = client.post("/documents", files=files(("animals/stripes/zebra.md", ZEBRA.replace("forty", "fifty"))))
        assert finished(client, again.json()["id"])["report"]["documents"]["updated"] == 1
        versions = client.get(f"/documents/{document['id']}/versions").json()["versions"]
        assert [version["state"] for version in versions] == ["live", "superseded"]
        diff = client.get(f"/documents/{document['id']}/diff").json()
        assert diff["changes"]["changed"] == 1
        assert "+Answer: Quentin has exactly fifty" in diff["items"][0]["diff"]

        gone = client.delete(f"/documents/{document['id']}").json()
        assert (gone["path"], gone["file_kept"]) == ("animals/stripes/zebra.md", False)
        assert not stored.exists()
        assert client.get("/documents").json() == {"documents": []}
    report = cuecard("ingest", home / "uploads", "--home", home, "--json", "--collection", "other").json
    assert report["documents"]["added"] == 0  # nothing is left that could come back


def test_a_key_stands_for_one_upload_also_after_a_restart(tmp_path: Path) -> None:
    home, key = tmp_path / "home", {"Idempotency-Key": "first-try"}
    sent = files(("a.md", "# A\n\nalpha\n"), ("b.md", "# B\n\nbeta\n"))
    with running(home) as (client, _):
        first = client.post("/documents", files=sent, headers=key)
        again = client.post("/documents", files=list(reversed(sent)), headers=key)
        assert again.status_code == first.status_code == 202
        assert again.json()["id"] == first.json()["id"]
        other = client.post("/documents", files=files(("a.md", "# A\n\nomega\n")), headers=key)
        assert first.json()["id"] in assert_problem(other, 409)["detail"]
        assert client.post("/documents", files=sent, headers=key, data={"collection": "c"}).status_code == 409
        assert (home / "uploads/default/a.md").read_text() == "# A\n\nalpha\n"
        finished(client, first.json()["id"])
        assert client.post("/documents", files=sent).json()["id"] != first.json()["id"]
    with running(home) as (client, _):
        again = client.post("/documents", files=sent, headers=key)
        assert (again.status_code, again.json()["id"], again.json()["state"]) == (202, first.json()["id"], "done")
        other = client.post("/documents", files=files(("a.md", "# A\n\nomega\n")), headers=key)
        assert_problem(other, 409)


def test_the_same_key_from_many_at_once_is_one_job(client: httpx.Client) -> None:
    def send(_: int) -> httpx.Response:
        form = files(("many/times.md", "# Times\n\nonce\n"))
        return httpx.post(
            f"{client.base_url}/documents", files=form, headers={"Idempotency-Key": "x" * 255}, timeout=60
        )

    with ThreadPoolExecutor(12) as pool:
        responses = list(pool.map(send, range(12)))
    assert {response.status_code for response in responses} == {202}
    assert len({response.json()["id"] for response in responses}) == 1


def test_jobs_are_taken_up_by_the_next_start(tmp_path: Path) -> None:
    home = tmp_path / "home"
    with serving(home) as (process, url), httpx.Client(base_url=url, timeout=60) as client:
        sent = [client.post("/documents", files=files((f"n{n}.md", f"# N{n}\n\nnumber {n}\n"))) for n in range(5)]
        process.kill()
        process.communicate()
    jobs = [response.json()["id"] for response in sent]
    with serving(home) as (_, url), httpx.Client(base_url=url, timeout=60) as client:
        assert [finished(client, job)["state"] for job in jobs] == ["done"] * 5
        paths = [document["path"] for document in client.get("/documents").json()["documents"]]
    assert paths == [f"n{n}.md" for n in range(5)]


def test_a_server_told_to_stop_leaves_what_waits_for_the_next(tmp_path: Path) -> None:
    home = tmp_path / "home"
    with running(home) as (client, library):
        library.parts.catalog.writing.acquire()
        try:
            sent = [client.post("/documents", files=files((f"n{n}.md", f"# N{n}\n\nnumber {n}\n"))) for n in range(3)]
        finally:
            threading.Timer(0.5, library.parts.catalog.writing.release).start()
    with running(home) as (client, _):
        assert [finished(client, each.json()["id"])["state"] for each in sent] == ["done"] * 3


@pytest.mark.parametrize(
    "name",
    [
        "../../../etc/passwd.md",
        "/etc/passwd.md",
        "a/../../b.md",
        "..\\..\\b.md",
        ".hidden.md",
        "a/.git/b.md",
        "a//b.md",
        "nul\x00.md",
        "bell\x07.md",
        "n" * 300 + ".md",
        "/".join(["deep" * 20] * 20) + ".md",
        "..",
    ],
)
def test_a_name_that_leads_elsewhere_is_refused(served: tuple[httpx.Client, LocalLibrary], name: str) -> None:
    client, library = served
    before = sorted(library.settings.home.parent.rglob("*.md"))
    body = b'--b\r\nContent-Disposition: form-data; name="file"; filename="%s"\r\n\r\n# A\r\n--b--\r\n'
    quoted = name.replace("\\", "\\\\").encode()
    headers = {"Content-Type": "multipart/form-data; boundary=b"}
    problem = assert_problem(client.post("/documents", content=body % quoted, headers=headers), 422)
    assert "can't be taken" in problem["detail"]
    assert_problem(client.post("/documents", files=files(("ok.md", "x")), data={"path": "../up"}), 422)
    assert sorted(library.settings.home.parent.rglob("*.md")) == before


def test_names_are_composed_and_kept_in_their_folders(served: tuple[httpx.Client, LocalLibrary]) -> None:
    client, library = served
    decomposed = "Cafe\u0301/no\u0308tes.md"
    job = client.post("/documents", files=files((decomposed, "# Café\n\nnotes\n")), data={"collection": "Über uns"})
    assert finished(client, job.json()["id"])["documents"] == ["Café/nötes.md"]
    [document] = client.get("/documents", params={"collection": "Über uns"}).json()["documents"]
    assert document["path"] == "Café/nötes.md"
    windows = client.post("/documents", files=files(("C:\\notes\\b.md", "# B\n\nb\n")), data={"collection": "w"})
    assert windows.json()["documents"] == ["b.md"]
    folder = Path(document["root"])
    assert folder.parent == library.settings.home.resolve() / "uploads"
    assert folder.name.isascii()


def test_what_can_not_be_an_upload_is_told_what_to_fix(client: httpx.Client) -> None:
    problem = assert_problem(client.post("/documents", files=files(("a.exe", "x"))), 415)
    assert ".md" in problem["detail"]
    assert ".zip" in problem["detail"]
    assert "is empty" in assert_problem(client.post("/documents", files=files(("a.md", ""))), 422)["detail"]
    missing = assert_problem(client.post("/documents", files={"fiel": ("a.md", b"x")}), 422)
    assert {error["pointer"] for error in missing["errors"]} == {"#/file", "#/fiel"}
    assert_problem(client.post("/documents", files={"file": ("", b"")}), 422)
    assert_problem(client.post("/documents", files=files(("a.md", "x")), data={"collection": ""}), 422)
    assert (
        "twice" in assert_problem(client.post("/documents", files=files(("a.md", "x"), ("a.md", "y"))), 422)["detail"]
    )
    assert_problem(client.post("/documents", files=files(("a.md", "x")), headers={"Idempotency-Key": "a b"}), 422)
    assert "curl -F" in assert_problem(client.post("/documents", json={"file": "x"}), 415)["detail"]
    broken = {"Content-Type": "multipart/form-data; boundary=b"}
    assert_problem(client.post("/documents", content=b"--c\r\nnonsense", headers=broken), 400)
    assert_problem(client.post("/documents", content=b"x", headers={"Content-Type": "multipart/form-data"}), 400)
    assert_problem(client.get("/jobs/nothing"), 404)
    many = files(*((f"{n}.md", "x") for n in range(201)))
    assert_problem(client.post("/documents", files=many), 400)


def test_a_file_can_not_be_a_folder(client: httpx.Client) -> None:
    assert client.post("/documents", files=files(("clash/x.md", "# X\n\nx\n"))).status_code == 202
    problem = assert_problem(client.post("/documents", files=files(("clash/x.md/y.md", "y"))), 422)
    assert "clash/x.md/y.md" in problem["detail"]


def test_what_can_not_be_read_is_quarantined_and_the_job_is_done(tmp_path: Path) -> None:
    with running(tmp_path / "home") as (client, _):
        sent = client.post("/documents", files=files(("bad.md", b"caf\xe9 \xff"), ("good.md", ZEBRA)))
        job = finished(client, sent.json()["id"])
        assert job["state"] == "done"
        assert job["report"]["documents"]["added"] == job["report"]["documents"]["quarantined"] == 1
        [problem] = job["report"]["quarantine"]
        assert problem["path"] == "bad.md"
        assert problem["hint"]
        [entry] = client.get("/quarantine").json()["quarantine"]
        assert client.get(f"/quarantine/{entry['id'][:6]}").json() == entry

        accepted = client.post(f"/quarantine/{entry['id']}/retry")
        assert (accepted.status_code, accepted.json()["entry"]) == (202, entry["id"])
        tried = finished(client, accepted.headers["Location"].rpartition("/")[2])
        assert tried["state"] == "done"
        assert tried["report"]["quarantine"]
        dropped = client.post(f"/quarantine/{entry['id']}/drop").json()
        assert dropped["dropped"] is True
        assert client.get("/quarantine").json() == {"quarantine": []}
        assert len(client.get("/quarantine", params={"dropped": True}).json()["quarantine"]) == 1

        mended = client.post("/documents", files=files(("bad.md", "# Good\n\nnow\n")))
        assert finished(client, mended.json()["id"])["report"]["documents"]["added"] == 1
        assert client.get("/quarantine", params={"dropped": True}).json() == {"quarantine": []}
        assert_problem(client.post("/quarantine/nothing/retry"), 404)
        assert_problem(client.post("/quarantine/nothing/drop"), 404)


def test_an_archive_is_taken_apart(client: httpx.Client) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("one.md", ZEBRA)
        archive.writestr("sub/two.md", "# Two\n\nthe second note\n")
    sent = client.post("/documents", files=files(("notes.zip", packed.getvalue())), data={"collection": "packed"})
    assert finished(client, sent.json()["id"])["report"]["documents"]["added"] == 2
    paths = [d["path"] for d in client.get("/documents", params={"collection": "packed"}).json()["documents"]]
    assert paths == ["notes.zip/one.md", "notes.zip/sub/two.md"]
    smaller = io.BytesIO()
    with zipfile.ZipFile(smaller, "w") as archive:
        archive.writestr("sub/two.md", "# Two\n\nthe second note\n")
    sent = client.post("/documents", files=files(("notes.zip", smaller.getvalue())), data={"collection": "packed"})
    assert finished(client, sent.json()["id"])["report"]["documents"]["removed"] == 1


def test_a_body_too_large_is_refused_before_it_is_read(served: tuple[httpx.Client, LocalLibrary]) -> None:
    client, library = served
    sent = 0

    def endless() -> Iterator[bytes]:
        nonlocal sent
        yield b'--b\r\nContent-Disposition: form-data; name="file"; filename="a.md"\r\n\r\n'
        while sent < 4 * MAX_REQUEST_BYTES:
            sent += 1024 * 1024
            yield b"a" * 1024 * 1024

    headers = {"Content-Type": "multipart/form-data; boundary=b"}
    declared = {**headers, "Content-Length": str(4 * MAX_REQUEST_BYTES)}
    problem = assert_problem(client.post("/documents", content=endless(), headers=declared), 413)
    assert "256 MiB" in problem["detail"]
    assert sent < MAX_REQUEST_BYTES
    large = files(("a.md", b"a" * (MAX_FILE_BYTES + 1)))
    assert "16 MiB" in assert_problem(client.post("/documents", files=large), 413)["detail"]
    assert list((library.settings.home / "uploads" / DRAFTS).iterdir()) == []


def test_a_client_that_leaves_takes_no_place(
    served: tuple[httpx.Client, LocalLibrary], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    client, library = served
    monkeypatch.setattr(uploads, "MAX_WAITING", 1)
    head = b"POST /documents HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100000\r\n"
    form = b'Content-Type: multipart/form-data; boundary=b\r\n\r\n--b\r\nContent-Disposition: form-data; name="file"; '
    with caplog.at_level(logging.INFO, logger="cuecard.http"):
        while True:
            with socket.create_connection(("127.0.0.1", client.base_url.port or 0)) as leaving:
                leaving.sendall(head + form + b'filename="a.md"\r\n\r\nhalf of')
                full = client.post("/documents", files=files(("b.md", "# B\n\nb\n")))
                if full.status_code == 503:
                    break
                # it came first, and the one that leaves may have been refused for it
                finished(client, full.json()["id"])
        assert_problem(full, 503)
        sent = client.post("/documents", files=files(("b.md", "# B\n\nb\n")))
        while sent.status_code == 503:
            sent = client.post("/documents", files=files(("b.md", "# B\n\nb\n")))
    assert finished(client, sent.json()["id"])["state"] == "done"
    assert not any(record.exc_info for record in caplog.records)
    requests = [record.__dict__["fields"] for record in caplog.records if record.message == "request"]
    assert 499 in [request["status"] for request in requests]
    assert list((library.settings.home / "uploads" / DRAFTS).iterdir()) == []


def test_a_hundred_at_once_are_bounded_and_none_that_was_taken_is_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert uploads.MAX_WAITING == 64
    monkeypatch.setattr(uploads, "MAX_WAITING", 8)
    with running(tmp_path / "home") as (client, library):
        library.parts.catalog.writing.acquire()  # nothing gets done meanwhile

        def send(number: int) -> httpx.Response:
            form = files((f"n{number}.md", f"# Note {number}\n\nnumber {number}\n"))
            return httpx.post(f"{client.base_url}/documents", files=form, timeout=60)

        try:
            with ThreadPoolExecutor(20) as pool:
                responses = list(pool.map(send, range(100)))
        finally:
            library.parts.catalog.writing.release()
        taken = [response for response in responses if response.status_code == 202]
        assert 8 <= len(taken) <= 9  # one of them runs
        for response in responses:
            if response not in taken:
                assert "wait already" in assert_problem(response, 503)["detail"]
                assert int(response.headers["Retry-After"]) > 0
        wanted = {path for response in taken for path in response.json()["documents"]}
        assert all(finished(client, response.json()["id"])["state"] == "done" for response in taken)
        assert {document["path"] for document in client.get("/documents").json()["documents"]} == wanted
        assert client.post("/documents", files=files(("late.md", "# Late\n\nlate\n"))).status_code == 202


def test_an_upload_that_is_deleted_before_its_turn_stays_deleted(tmp_path: Path) -> None:
    with running(tmp_path / "home") as (client, library):
        first = client.post("/documents", files=files(("zebra.md", ZEBRA)))
        finished(client, first.json()["id"])
        [document] = client.get("/documents").json()["documents"]
        with library.parts.catalog.writing:
            blocker = client.post("/documents", files=files(("other.md", "# O\n\nother\n"))).json()
            second = client.post("/documents", files=files(("zebra.md", ZEBRA.replace("forty", "fifty")))).json()
            deletion = threading.Thread(target=client.delete, args=[f"/documents/{document['id']}"])
            deletion.start()
            while Path(document["source"]).exists():
                time.sleep(0.01)
        deletion.join()
        assert finished(client, blocker["id"])["state"] == "done"
        job = finished(client, second["id"])
        assert (job["state"], job["problem"]["status"]) == ("failed", 404)
        assert [each["path"] for each in client.get("/documents").json()["documents"]] == ["other.md"]


def test_what_passes_by_itself_is_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uploads, "FIRST_PAUSE", 0.3)
    with running(tmp_path / "home") as (client, library):
        ingest, failures = library.ingest, [IndexUnavailableError("The index is away.")] * 2

        def flaky(*arguments: Any, **options: Any) -> Any:
            if failures:
                raise failures.pop()
            return ingest(*arguments, **options)

        monkeypatch.setattr(library, "ingest", flaky)
        job_id = client.post("/documents", files=files(("zebra.md", ZEBRA))).json()["id"]
        seen = []
        while (job := client.get(f"/jobs/{job_id}").json())["state"] in ("queued", "running"):
            seen.append((job["state"], job["problem"] and job["problem"]["detail"]))
            time.sleep(0.02)
        assert ("running", "The index is away.") in seen
        assert (job["state"], job["problem"]) == ("done", None)
        assert len(client.get("/documents").json()["documents"]) == 1


def test_a_defect_fails_its_job_and_no_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with running(tmp_path / "home") as (client, library):
        ingest = library.ingest

        def broken(paths: Any, **options: Any) -> Any:
            if paths[0].name == "a.md":
                raise ZeroDivisionError("a secret of ours")
            return ingest(paths, **options)

        monkeypatch.setattr(library, "ingest", broken)
        first, second = (
            client.post("/documents", files=files((name, ZEBRA))).json()["id"] for name in ("a.md", "b.md")
        )
        failed = finished(client, first)
        assert (failed["state"], failed["problem"]["status"]) == ("failed", 500)
        assert "secret" not in str(failed)
        assert finished(client, second)["state"] == "done"


def test_a_long_job_is_left_for_the_next_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uploads, "GRACE_SECONDS", 0.3)
    begun = threading.Event()
    with running(tmp_path / "home") as (client, library):

        def endless(*_: Any, progress: Any, **__: Any) -> Any:
            begun.set()
            while True:
                progress("files", 1, 2)
                time.sleep(0.01)

        monkeypatch.setattr(library, "ingest", endless)
        job_id = client.post("/documents", files=files(("zebra.md", ZEBRA))).json()["id"]
        assert begun.wait(30)
    with running(tmp_path / "home") as (client, _):
        assert finished(client, job_id)["report"]["documents"]["added"] == 1


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Origin": "http://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": "http://localhost:3000"}, 403),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "same-site"}, 403),
        ({"Host": "evil.example"}, 403),
        ({"Host": "127.0.0.1.evil.example:8000"}, 403),
        ({"X-Forwarded-For": "203.0.113.7"}, 401),
        ({"Host": "localhost:9000"}, 404),
        ({"Host": "[::1]:8000"}, 404),
        ({"Sec-Fetch-Site": "same-origin"}, 404),
        ({"Sec-Fetch-Site": "none"}, 404),
    ],
)
def test_other_web_sites_can_change_nothing(client: httpx.Client, headers: dict[str, str], status: int) -> None:
    upload = client.post("/documents", files=files(("evil.md", "x")), headers=headers)
    assert upload.status_code == (202 if status == 404 else status)
    for method, route in (
        ("DELETE", "/documents/nothing"),
        ("POST", "/quarantine/nothing/retry"),
        ("POST", "/quarantine/nothing/drop"),
    ):
        assert_problem(client.request(method, route, headers=headers), status)
    if "Host" in headers and status == 403:
        assert_problem(client.get("/documents", headers=headers), 403)


def test_a_page_of_the_servers_own_may(client: httpx.Client) -> None:
    origin = str(client.base_url).rstrip("/")
    assert (
        client.post("/documents", files=files(("own.md", "# O\n\nown\n")), headers={"Origin": origin}).status_code
        == 202
    )
