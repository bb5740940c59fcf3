"""Which headings and list entries ask a question, judged with their siblings."""

from __future__ import annotations

import re
from collections import defaultdict

from ingest.parse.blocks import UNMARKED, Node
from ingest.parse.labels import asks, bold_lead, is_question, is_request, numbering, read_label
from ingest.parse.outline import Outline
from ingest.parse.text import plain

_SIBLINGS = 0.6  # from this share of asking siblings on, a request or a numbered title among them asks too
_RUN = 0.6  # the same for the entries of one list
_FOLLOW_UPS = re.compile(r"\bfollow[- ]?ups?\b", re.I)  # such a list belongs to the question before it
_QUOTED = re.compile(r"[*_]{0,3}[\"“«][^\"“”«»]{8,400}[\"”»][*_]{0,3}[.?!]?", re.S)


class Asking:
    """Answers, by index of a place, whether its heading asks, and whether its list entry does."""

    def __init__(self, outline: Outline, *, guide: bool) -> None:
        self.outline = outline
        self.guide = guide
        self._share = self._shares()
        self._entries = self._runs()

    def words(self, node: Node) -> tuple[int | None, str, int]:
        """(number, words, offset of the words) of a heading or entry, its label and numbering left out."""
        text, start = node.text, node.start
        label = read_label(text)
        if label is not None and label.kind == "question" and text[label.rest :].strip(" *_"):
            return label.number, text[label.rest :], start + label.rest
        number, words = numbering(text)
        number = node.number if node.number is not None else number
        return number, words, start + len(text) - len(words)

    def heading(self, index: int) -> bool:
        """Whether the heading at `index` asks."""
        node = self.outline.places[index].node
        label = read_label(node.text)
        if label is not None and label.kind == "question":
            return True
        number, words, _ = self.words(node)
        text = plain(words)
        share = self._share[node.level]
        if asks(text):
            return node.level != UNMARKED or share >= _SIBLINGS or not self._over_leads(index)
        if is_question(words) and len(text.split()) >= 4:
            return True
        return share >= _SIBLINGS and (
            is_question(words) or is_request(words) or (number is not None and node.level >= 2)
        )

    def _over_leads(self, index: int) -> bool:
        """Whether an unmarked heading stands over bold-lead bullets: a topic of a cheat sheet."""
        below = next((p.node for p in self.outline.places[index + 1 :] if p.node.kind not in ("empty", "close")), None)
        return below is not None and below.kind == "bullet" and bold_lead(below.text) is not None

    def entry(self, index: int) -> bool:
        """Whether the list entry at `index` asks."""
        return self._entries.get(index, False)

    def _shares(self) -> dict[int, float]:
        asked: dict[int, list[bool]] = defaultdict(list)
        for index in self.outline.headings():
            node = self.outline.places[index].node
            label = read_label(node.text)
            text = plain(self.words(node)[1])
            asked[node.level].append((label is not None and label.kind == "question") or is_question(text))
        return defaultdict(float, {level: sum(flags) / len(flags) for level, flags in asked.items() if len(flags) > 1})

    def _runs(self) -> dict[int, bool]:
        """Judges list entries run by run: a run is a list with nothing but entries in a row."""
        leads = [
            asks(lead.text)
            for place in self.outline.places
            if place.node.kind == "bullet" and (lead := bold_lead(place.node.text)) is not None
        ]
        asking_leads = bool(leads) and sum(leads) / len(leads) >= 0.5
        runs: list[list[int]] = [[]]
        for index, place in enumerate(self.outline.places):
            if place.node.kind == "bullet" and not (place.path and _FOLLOW_UPS.search(place.path[-1])):
                runs[-1].append(index)
            elif place.node.kind != "empty":
                runs.append([])
        out: dict[int, bool] = {}
        for run in runs:
            self._judge(run, asking_leads, out)
        # "1) What …?" with its answer as a paragraph below, then "2) …": lists of one entry each that count on
        lone = [run[0] for run in runs if len(run) == 1]
        numbered = [i for i in lone if self.outline.places[i].node.number is not None]
        asked = [i for i in numbered if self._entry_asks(self.outline.places[i].node, asking_leads=True)]
        if len(asked) > 1 and len(asked) >= _RUN * len(numbered):
            out.update(dict.fromkeys(asked, True))
        return out

    def _judge(self, run: list[int], asking_leads: bool, out: dict[int, bool]) -> None:
        asks = {index: self._entry_asks(self.outline.places[index].node, asking_leads) for index in run}
        if not run:
            return
        enough = sum(asks.values()) / len(run) >= _RUN and len(run) > 1
        for index in run:
            node = self.outline.places[index].node
            alone = asks[index] and (self.guide or bool(node.children))
            out[index] = (asks[index] and (enough or (alone and self.guide))) or (alone and asking_leads)
            if self.guide and _QUOTED.fullmatch(node.text.strip()) and len(node.text.split()) >= 3:
                out[index] = True

    def _entry_asks(self, node: Node, asking_leads: bool) -> bool:
        text = node.text
        if text.lstrip().startswith("[") and "](#" in text:
            return False
        lead = bold_lead(text)
        if lead is not None and asks(lead.text):
            return asking_leads
        first = plain(text.split("\n", 1)[0])
        return asks(first) and len(first.split()) >= 3
