"""Schemathesis asks every route what OpenAPI allows, and more: no 5xx, no status or body that is not documented.

`make fuzz-api` asks for longer; EXAMPLES is how many questions each route gets.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import schemathesis

# imported here, for it is big: first imported deep within a test, Python 3.11 now and then fails to parse it
import schemathesis.wfc.escalation
from hypothesis import HealthCheck, Phase, settings
from schemathesis import checks

from api.http.app import create_app
from api.settings import load_settings
from tests.api.conftest import copy_home
from tests.api.fake_library import FakeLibrary
from tests.service.conftest import TOKEN, serve

checks.load_all_checks()

MOST = int(os.environ.get("FUZZ_API_EXAMPLES", "6"))
WITH_TOKEN = {"Authorization": f"Bearer {TOKEN}"}
FUZZED = settings(
    max_examples=MOST,
    deadline=None,
    derandomize=MOST < 100,
    database=None,
    phases=(Phase.explicit, Phase.generate),
    suppress_health_check=list(HealthCheck),
)


@pytest.fixture(scope="module")
def url(filled: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server that may be asked as often as one likes."""
    home = tmp_path_factory.mktemp("fuzzed") / "home"
    copy_home(filled, home)
    with contextmanager(serve)(load_settings(home, {"CUECARD_RATE_LIMIT": "none"})) as served:
        yield served.url


CHECKS: Any = [
    checks.CHECKS.get_one(name)
    for name in (
        "not_a_server_error",
        "status_code_conformance",
        "content_type_conformance",
        "response_headers_conformance",
        "response_schema_conformance",
        "negative_data_rejection",
    )
]
schema = schemathesis.openapi.from_dict(create_app(FakeLibrary()).openapi())


@schema.parametrize()
@FUZZED
def test_with_the_token(case: schemathesis.Case[Any], url: str) -> None:
    case.call_and_validate(base_url=url, checks=CHECKS, headers=WITH_TOKEN)


@schema.parametrize()
@FUZZED
def test_without_it(case: schemathesis.Case[Any], url: str) -> None:
    case.call_and_validate(base_url=url, checks=CHECKS, headers={"Origin": "https://elsewhere.example"})
