"""A library that answers at once, as the words of a question ask for."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from answering.answers import Claim, Conflict, Related
from api.library import Body, Filters
from ingest.errors import CuecardError, IndexUnavailableError, NotFoundError, UsageError
from ingest.view import EVERYTHING, View
from tests.api.fake_library import CLAIM, SOURCE, answer_to

OTHER = replace(SOURCE, marker=2, id="c2", document="notes/old.md", title="Old notes", effective_date="2023-05-01")
LONG = "\n\n".join(f"Paragraph {number} says <something> & more of `it`. " * 4 for number in range(40))
CODE = "```python\n" + "x = 1  # <a> & b\n" * 400 + "```"


def reply_to(question: str, number: int) -> Body:
    """The answer to a question: its words say which kind."""
    changes: dict[str, Any] = {"id": f"answer-{number}", "related": (Related(f"Why {question}?", "qa/c.md", "i2"),)}
    if "nothing" in question:
        changes |= {"kind": "abstained", "answer": "Your library does not cover this.", "sources": (), "claims": ()}
        changes |= {"low_confidence": True, "confidence": 0.0, "reasons": ("no_sources",)}
    elif "doubt" in question:
        claim = Claim(CLAIM.text, 0, len(CLAIM.text), "unsupported", 0.1)
        changes |= {"low_confidence": True, "confidence": 0.2, "reasons": ("unsupported_claim",), "claims": (claim,)}
    elif "disagree" in question:
        conflict = Conflict((1, 2), "5 against 10")
        changes |= {"sources": (SOURCE, OTHER), "conflicts": (conflict,), "low_confidence": True}
        changes |= {"reasons": ("conflicting_sources",)}
    elif "long" in question:
        changes |= {"answer": f"{LONG} [1]"}
    elif "code" in question:
        changes |= {"answer": f"{CODE} [1]"}
    body = answer_to(question, **changes)
    if not {"long", "code", "nothing"} & set(question.split()):
        body["answer"] = f"{question}: {body['answer']}"
    return body


class TalkingLibrary:
    """Notes what it was asked, and what was thought of it. `on_ask` is called before every answer."""

    def __init__(self, on_ask: Callable[[str], None] = lambda _: None) -> None:
        self.on_ask = on_ask
        self.asked: list[Body] = []
        self.thoughts: list[Body] = []
        self.failures: list[CuecardError] = []
        self._numbers = itertools.count(1)
        self._lock = threading.Lock()

    def ask(
        self,
        question: str,
        *,
        collection: str | None,  # noqa: ARG002
        filters: Filters,  # noqa: ARG002
        mode: str,  # noqa: ARG002
        k: int | None,  # noqa: ARG002
        conversation_id: str | None = None,
        view: View = EVERYTHING,
    ) -> Body:
        """An answer."""
        self.on_ask(question)
        if self.failures:
            raise self.failures.pop(0)
        if "unusable" in question:
            raise UsageError("The question is unusable.", hint="Ask something else.")
        if "broken" in question:
            raise IndexUnavailableError("The index is broken.")
        with self._lock:
            number = next(self._numbers)
            self.asked.append({"question": question, "conversation_id": conversation_id, "view": view})
        return {**reply_to(question, number), "conversation_id": conversation_id}

    def feedback(
        self,
        answer_id: str,
        rating: str,
        comment: str | None,
        *,
        view: View = EVERYTHING,  # noqa: ARG002
        who: str | None = None,
    ) -> Body:
        """Keep it."""
        if answer_id == "answer-0":
            raise NotFoundError("There is no such answer.")
        self.thoughts.append({"answer": answer_id, "rating": rating, "comment": comment, "who": who})
        return {}

    def doctor(self) -> Body:
        """All is well."""
        return {"ready": True}
