"""What OpenAPI says of the routes is whole, and its examples are what it says they are."""

from __future__ import annotations

from typing import Any

import jsonschema  # type: ignore[import-untyped]
import pytest

from api.http.app import create_app
from api.http.examples import EXAMPLES
from tests.api.fake_library import FakeLibrary

DOCUMENT = create_app(FakeLibrary()).openapi()
OPERATIONS = [(method, path) for path, each in DOCUMENT["paths"].items() for method in each]


@pytest.mark.parametrize(("method", "path"), OPERATIONS)
def test_every_route_has_a_summary_the_errors_and_a_valid_example(method: str, path: str) -> None:
    operation = DOCUMENT["paths"][path][method]
    assert operation["description"]
    assert {"401", "403", "429"} <= set(operation["responses"])
    for status, response in operation["responses"].items():
        if int(status) >= 400:
            assert list(response["content"]) == ["application/problem+json"]
    done = operation["responses"][min(operation["responses"])]
    answers = done["content"].values()
    shown: list[tuple[dict[str, Any], Any]] = [(each.get("schema", {}), each["example"]) for each in answers]
    for content in operation.get("requestBody", {}).get("content", {}).values():
        schema = content["schema"]
        named = DOCUMENT["components"]["schemas"].get(schema.get("$ref", "").rpartition("/")[2], schema)
        shown += [(schema, example) for example in named.get("examples", ())]
    assert shown
    for schema, example in shown:
        jsonschema.validate(example, {**schema, "components": DOCUMENT["components"]})


def test_no_example_is_of_a_route_that_is_not_there() -> None:
    assert set(EXAMPLES) == set(OPERATIONS)
