"""Text -> terms, and terms -> BM25 sparse vectors.

Technical text is findable whole and by its parts. A whole is spelled without its separators (`asyncio.gather` and
`asyncio_gather` -> `asynciogather`, `SHA-256` -> `sha256`), so that different spellings meet; where an affix carries
the meaning (`C++`, `C#`, `.NET`, `$in`, `@app.get`, `--no-cache-dir`, `__init__`) it is kept in a term of its own.
Parts are the pieces between separators, camel humps, and numbers. Alphabetic terms are stemmed (Snowball English).
"""

from __future__ import annotations

import re
import threading
import unicodedata
import zlib
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

from snowballstemmer.english_stemmer import EnglishStemmer

from retrieval.ports import SparseVector


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


# Part of the index's fingerprint: change it whenever `tokenize` or `document_vector` changes its results.
TERMS_VERSION = "terms-1"

# Function words of questions and sentences. Words that programming or SQL also uses as words (if, while, with, this,
# not, all, any, where, when ...) stay findable: their low IDF keeps them quiet.
STOPWORDS = _words(
    """a an the of to in on at by and or as is are was were be been being am i me my we us our you your he him his she
    her they them their it its that these those there here do does did doing done have has had having can could
    should would will shall may might must what which who whom whose why how than so too very just also about into
    dont doesnt didnt isnt arent wasnt cant couldnt shouldnt wouldnt wont im ive youre youve thats whats lets eg ie
    etc please"""
)
# Further words that say nothing about a subject: left out where content words of two texts are compared.
_FILLERS = _words(
    """if then else while with without this for from when where not no nor all any some each every both either other
    such same only more most much many few less least over under again once between through during before after
    above below up down out off own because until against further now ever still yet already however therefore
    thus hence though although whether one ones use uses used using get gets got make makes made let like per via
    within upon since rather quite"""
)
# Names whose humps mean something else.
_UNSPLIT = frozenset({"javascript", "typescript", "github", "gitlab", "youtube", "linkedin"})

_LONGEST = 64  # a longer run without a space is data (a hash, base64), not a name: only its parts count

_OPERATORS = r"===|!==|==|!=|=>|->|<=|>=|&&|\|\||\?\?|\?\.|\*\*|//|::|:=|\.\.\.|<<|>>|\+=|-="
_INSIDE = r"[^\s()\[\]{}<>,;\"`|!?*^~&=\\“”„…–—]"  # what a run is made of
_RUN = re.compile(
    rf"(?P<order>\b[OΘΩ]\([^()\n]{{1,24}}\))"
    rf"|(?<![^\s`(])(?P<operator>{_OPERATORS})(?![^\s`),.;])"
    rf"|(?P<run>{_INSIDE}+)"
)
_THOUSANDS = re.compile(r"(?<=\d),(?=\d{3}(?!\d))")
_OUTER = re.compile(r"^[^\w@$#.\-]+|[^\w+#]+$")
_PLAIN = re.compile(r"[A-Za-z]?[a-z]+|[A-Z]+|[A-Z]{2,}s")
_AFFIXED = re.compile(
    r"(?P<prefix>--?(?=[A-Za-z])|[@$#.](?=[A-Za-z_])|__)?(?P<core>.*?)(?P<suffix>(?<=[A-Za-z])(?:\+\+|#)|__)?"
)
_COARSE = re.compile(r"[/:]+")
_FINE = re.compile(r"[\W_]+")
_INNER_SEPARATOR = re.compile(r"(?<!\d)[\W_]+|[\W_]+(?!\d)")
_ATOM = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+|\d+|[^\W\d_A-Za-z]+")

_SHOUTED_PAIR = re.compile(r"[A-Z] [A-Z]")  # two shouted runs may be one name
# a run in backticks is a name, even where it looks like a function word
_QUOTED = re.compile(rf"(?<=`){_INSIDE}+(?=`)")

_stemmer = EnglishStemmer()
_stemmer_lock = threading.Lock()  # Snowball stemmers keep the word in the object


@dataclass(frozen=True, slots=True)
class Bm25Weights:
    """BM25's constants. `average_length` is a fixed number of terms, so that a chunk's vector never depends on others.

    `context`: how much a term of the context (title, headings, question) counts against one of the text.
    Defaults: k1 as usual; the mean length of the development benchmark's chunks; a milder length normalisation than
    the usual 0.75, because length varies by shape (a bullet, a model answer) more than by verbosity.
    """

    k1: float = 1.2
    b: float = 0.5
    average_length: float = 60.0
    context: float = 1.0


BM25_WEIGHTS = Bm25Weights()


@lru_cache(maxsize=65_536)
def stem(word: str) -> str:
    """The Snowball English stem of a lower-case word; anything but ASCII letters comes back as it is."""
    if not (word.isascii() and word.isalpha()) or len(word) < 3:
        return word
    with _stemmer_lock:
        return str(_stemmer.stemWord(word))


def tokenize(text: str) -> list[str]:
    """The index terms of a text, in reading order: plain words stemmed, technical names whole and in parts."""
    terms: list[str] = []
    shouted = ""
    for kind, run, quoted, adjacent in _runs(text):
        if kind != "run":
            terms.extend(_special(kind, run))
            shouted = ""
            continue
        loud = _is_shouted(run)
        terms.extend(_analyse(run, quoted or loud)[0])
        if shouted and loud and adjacent:  # `READ COMMITTED` is one name: findable as `READ_COMMITTED` too
            terms.append(stem((shouted + run).lower()))
        shouted = run if loud else ""
    return terms


def term_ids(text: str) -> frozenset[int]:
    """The dimensions of `tokenize(text)`, in less than half the time: each run is looked at once."""
    text = _normalised(text)
    if _SHOUTED_PAIR.search(text):
        return frozenset(term_id(term) for term in tokenize(text))
    found: set[int] = set()
    for groups in set(_RUN.findall(text)):
        found.update(_run_ids(*groups))
    for run in _QUOTED.findall(text):
        found.update(_run_ids("", "", run, quoted=True))
    return frozenset(found)


@lru_cache(maxsize=65_536)
def _run_ids(order: str, operator: str, run: str, *, quoted: bool = False) -> tuple[int, ...]:
    """Of one match of `_RUN`, whose groups these are."""
    if order or operator:
        terms = _special("order" if order else "operator", order or operator)
    else:
        terms = _analyse(run, quoted or _is_shouted(run))[0]
    return tuple(term_id(term) for term in terms)


def content_terms(text: str) -> list[str]:
    """The content words of a text in reading order: stems without function words, names in their smallest parts."""
    terms: list[str] = []
    for kind, run, quoted, _ in _runs(text):
        terms.extend(_special(kind, run)[:1] if kind != "run" else _analyse(run, quoted)[1])
    return terms


def document_vector(fields: Iterable[tuple[str, float]], weights: Bm25Weights = BM25_WEIGHTS) -> SparseVector:
    """BM25's document side: saturated, length-normalised term frequencies; the IDF is the index's part.

    `fields`: texts with the weight of one occurrence in them, as in BM25F (Robertson, Zaragoza, Taylor 2004).
    The index multiplies by `ln(1 + (N - n + 0.5) / (n + 0.5))`, which is never negative.
    """
    frequencies: Counter[str] = Counter()
    length = 0.0
    for text, weight in fields:
        found = tokenize(text)
        length += weight * len(found)
        for term, count in Counter(found).items():
            frequencies[term] += weight * count  # type: ignore[assignment]
    norm = weights.k1 * (1 - weights.b + weights.b * length / weights.average_length)
    return _vector((term, tf * (weights.k1 + 1) / (tf + norm)) for term, tf in frequencies.items() if tf > 0)


def query_vector(terms: Iterable[str]) -> SparseVector:
    """BM25's query side: weight 1 for each distinct term."""
    return _vector((term, 1.0) for term in dict.fromkeys(terms))


def term_id(term: str) -> int:
    """The term's dimension in sparse vectors: an unsigned 32-bit hash, the same on every machine and in every run."""
    return zlib.crc32(term.encode("utf-8"))


def _vector(weighted: Iterable[tuple[str, float]]) -> SparseVector:
    """Terms that collide share a dimension; the heavier weight stands."""
    values: dict[int, float] = {}
    for term, weight in weighted:
        key = term_id(term)
        values[key] = max(weight, values.get(key, 0.0))
    ordered = sorted(values)
    return SparseVector(indices=tuple(ordered), values=tuple(values[key] for key in ordered))


def _runs(text: str) -> Iterable[tuple[str, str, bool, bool]]:
    """Each run without space, bracket or comma: its kind, itself, whether it stands alone in backticks, and whether
    only one space is between it and the run before."""
    text = _normalised(text)
    before = 0
    for match in _RUN.finditer(text):
        start, end = match.span()
        quoted = text[start - 1 : start] == "`" == text[end : end + 1]
        yield match.lastgroup or "run", match.group(), quoted, text[before:start] == " "
        before = end


def _normalised(text: str) -> str:
    return _THOUSANDS.sub("", unicodedata.normalize("NFKC", text).replace("’", "'"))


def _special(kind: str, run: str) -> Sequence[str]:
    """Terms of an operator, or of an order of growth: `O(n log n)` -> `o(nlogn)`, `n`, `log`, `n`."""
    if kind == "operator":
        return (run,)
    inner = run[2:-1]
    whole = re.sub(r"[\s*^·]+", "", run.lower())
    return (whole, *(stem(atom.lower()) for atom in _ATOM.findall(inner)))


def _is_shouted(run: str) -> bool:
    return len(run) > 1 and run.isascii() and run.isalpha() and run.isupper()


@lru_cache(maxsize=65_536)
def _analyse(run: str, keep: bool) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """(index terms, content terms) of one run. `keep`: it is a name even where it looks like a function word."""
    run = _OUTER.sub("", run)
    if not run or run.isdecimal():
        return (run,) if run else (), (run,) if run else ()
    if "'" in run:
        run = re.sub(r"'s$", "", run, flags=re.IGNORECASE).replace("'", "")
    lower = run.lower()
    if _PLAIN.fullmatch(run) or lower in _UNSPLIT:
        if lower in STOPWORDS and not keep:
            return (), ()
        word = stem(lower)
        return (word,), () if lower in STOPWORDS or lower in _FILLERS else (word,)
    terms: list[str] = []
    leaves: list[str] = []
    pieces = [piece for piece in _COARSE.split(run) if piece]
    if len(pieces) > 1 and len(run) <= _LONGEST:
        terms.append(_joined(run))
    for piece in pieces:
        _piece(piece, terms, leaves)
    return tuple(dict.fromkeys(term for term in terms if term)), tuple(leaves)


def _piece(piece: str, terms: list[str], leaves: list[str]) -> None:
    """Append the terms of what stands between slashes or colons: with its affixes, without them, and in parts."""
    match = _AFFIXED.fullmatch(piece)
    prefix, core, suffix = (match["prefix"] or "", match["core"], match["suffix"] or "") if match else ("", piece, "")
    words = [word for word in _FINE.split(core) if word]
    joined = _joined(core)
    if (prefix or suffix) and len(piece) <= _LONGEST and joined:
        terms.append(prefix + joined + suffix)
    if len(piece) <= _LONGEST and joined not in STOPWORDS:
        terms.append(stem(joined))
    if suffix in ("++", "#") or (prefix and joined in STOPWORDS):
        leaves.append(prefix + joined + suffix)
    for word in words:
        atoms = _atoms(word)
        parts = [stem(atom.lower()) for atom in atoms if len(atom) > 1 or atom.isdecimal()]
        terms.extend(part for part in parts if part not in STOPWORDS)
        if suffix in ("++", "#"):
            continue
        if any(atom.isdecimal() for atom in atoms):
            leaves.append(word.lower())
        else:
            leaves.extend(part for part in parts if part not in STOPWORDS and part not in _FILLERS)
        if len(words) > 1:
            terms.append(stem(word.lower()) if len(word) > 1 and word.lower() not in STOPWORDS else "")


def _atoms(word: str) -> list[str]:
    """A word's humps and numbers: `useEffect` -> use, Effect; `k8s` -> k, 8, s."""
    if not word.isascii() or word.lower() in _UNSPLIT or _PLAIN.fullmatch(word):
        return [word]
    return _ATOM.findall(word)


def _joined(text: str) -> str:
    """Lower-case without separators, except between digits: `No-Cache` -> `nocache`, `v3.11` stays."""
    return _INNER_SEPARATOR.sub("", text).lower()
