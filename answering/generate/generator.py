"""Answers that a language model words: only what the checker finds in the sources leaves."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from answering.answers import Claim, Source
from answering.generate.calling import Caller, Deadline
from answering.generate.errors import LanguageModelError
from answering.generate.flow import Flow, read_repairs
from answering.generate.judging import Judge
from answering.generate.prompts import (
    ANSWER,
    DROP,
    NOTHING,
    REPAIR,
    prompt,
    question_message,
    readable,
    repair_message,
)
from answering.generate.stats import GenerationStats
from answering.ports import Checker, Listener
from ingest.errors import ModelError

log = logging.getLogger(__name__)

DEFAULT_TIMEOUT_S = 20.0
"""For everything that the model does for one answer: first wording, retries, repair."""

MOST_REPAIRED = 8
"""Refused sentences that a repair is asked for; more of them, and the answer is no good."""

LONGEST_REPLY = 20_000
"""Characters; a model that goes on and on is cut off."""


@dataclass(frozen=True, slots=True)
class Written:
    """An answer in a model's words. `cites`: the markers in it.

    `invented`: citations of sources that don't exist, which were taken out. `partial`: something was left out, or the
    model broke off (`broken`) after text had been told.
    """

    text: str
    claims: tuple[Claim, ...]
    cites: frozenset[int]
    invented: int = 0
    partial: bool = False
    broken: bool = False


Failure = Literal["unavailable", "declined"]
"""Why there is no answer: the model could not be used, or nothing it said was supported; it found no answer itself."""


class Generator:
    """Words answers with one language model. Thread-safe."""

    def __init__(self, caller: Caller, timeout_s: float = DEFAULT_TIMEOUT_S) -> None:
        self.caller, self.timeout_s = caller, timeout_s

    @property
    def stats(self) -> GenerationStats:
        """What became of everything that was generated."""
        return self.caller.stats

    def close(self) -> None:
        """Let go of the model's connections."""
        self.caller.close()

    def write(
        self, question: str, sources: Sequence[Source], checker: Checker, listener: Listener | None = None
    ) -> Written | Failure:
        """An answer from sources, whose markers are what the model cites.

        `listener` hears the sources and each sentence once it is checked; unless the result is a failure, what it
        heard is the beginning of the answer's text. Where it heard nothing, nothing was said.
        """
        texts = {s.marker: text for s in sources if (text := readable(s))}
        offered = [s for s in sources if s.marker in texts]
        if not offered:
            return "unavailable"
        flow = Flow(Judge(checker, question, texts, self.stats), _Teller(listener, offered) if listener else None)
        try:
            result = self._write(question, offered, texts, flow)
        except ModelError as error:
            log.warning("no generated answer: %s", error.message)
            result = self._rest(flow, broken=True) if flow.begun else "unavailable"
        self.stats.count("generated" if isinstance(result, Written) else "fallbacks")
        return result

    def _write(self, question: str, offered: Sequence[Source], texts: dict[int, str], flow: Flow) -> Written | Failure:
        deadline = Deadline.after(self.timeout_s)
        held, fed = "", 0
        for piece in self.caller.reply(prompt(ANSWER), question_message(question, offered, texts), deadline):
            held += piece
            if not fed and _may_decline(held):
                continue
            flow.feed(held)
            fed += len(held)
            held = ""
            if fed > LONGEST_REPLY:
                break
        if held.strip().startswith(NOTHING):
            self.stats.count("declined")
            return "declined"
        flow.feed(held)
        flow.finish()
        self._repair(question, offered, texts, flow, deadline)
        return self._rest(flow)

    def _repair(
        self, question: str, offered: Sequence[Source], texts: dict[int, str], flow: Flow, deadline: Deadline
    ) -> None:
        """One more round for what was refused. A failure leaves everything as it is."""
        refused = flow.refused()
        self.stats.count("sentences_refused", len(refused))
        if not refused or len(refused) > MOST_REPAIRED:
            return
        numbers = dict(enumerate(refused, 1))
        wrong = {number: refused[place] for number, place in numbers.items()}
        try:
            reply = "".join(
                self.caller.reply(prompt(REPAIR), repair_message(question, offered, texts, wrong), deadline)
            )
        except LanguageModelError as error:
            log.warning("no repair of a generated answer: %s", error.message)
            return
        for number, text in read_repairs(reply[:LONGEST_REPLY]).items():
            if number in numbers and text and not text.startswith(DROP):
                self.stats.count("sentences_repaired", int(flow.repair(numbers[number], text)))

    def _rest(self, flow: Flow, *, broken: bool = False) -> Written | Failure:
        dropped = flow.drop_refused()
        self.stats.count("sentences_dropped", dropped)
        shown = flow.shown()
        cites = frozenset(m for s in shown for m in s.cites)
        if not cites:
            return "unavailable"
        claims = tuple(c for s in shown for c in s.claims)
        return Written(flow.text(), claims, cites, flow.invented, bool(dropped) or broken, broken)


def _may_decline(reply: str) -> bool:
    """Whether a reply so far says that the sources don't answer, or may be about to."""
    begun = reply.strip()
    return NOTHING.startswith(begun) or begun.startswith(NOTHING)


class _Teller:
    """Tells a listener the sources before the first text."""

    def __init__(self, listener: Listener, sources: Sequence[Source]) -> None:
        self._listener, self._sources = listener, sources
        self._begun = False

    def __call__(self, piece: str) -> None:
        if not self._begun:
            self._begun = True
            self._listener.sources(self._sources)
        self._listener.text(piece)
