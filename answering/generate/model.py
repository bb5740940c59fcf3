"""Language models through llama-index's interface. Nothing of llama-index is imported before a model is opened."""

from __future__ import annotations

import importlib
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from answering.generate.errors import LanguageModelError
from ingest.errors import ModelError

if TYPE_CHECKING:
    import httpx
    from llama_index.core.llms import LLM

Kind = Literal["openai-like", "ollama", "anthropic"]

MAX_TOKENS = 900
"""Tokens of one reply: an answer of a dozen sentences, or a repair of them."""

OLLAMA_CONTEXT = 8_192
"""Tokens that an Ollama model is given room for; its own default cuts prompts of this size off silently."""

# A request that was refused is not worth repeating, but for these: too early, too many, a conflict, a timeout.
_WORTH_REPEATING = frozenset({408, 409, 425, 429})


@dataclass(frozen=True, slots=True)
class ModelSettings:
    """Which language model. `timeout_s`: how long one read from it may take."""

    kind: Kind
    model: str
    url: str = ""
    api_key: str = ""
    timeout_s: float = 20.0


class Opened(threading.local):
    """The response that this thread's last request opened.

    The stream of OpenAI's SDK is part of a cycle: dropped half read, it stays open, and the model goes on speaking,
    until garbage is collected some time.
    """

    response: httpx.Response | None = None

    def note(self, response: httpx.Response) -> None:
        """As httpx calls it."""
        self.response = response

    def close(self) -> None:
        """Hang up; nothing where it was heard to its end."""
        if self.response is not None:
            self.response.close()
            self.response = None


class LlamaModel:
    """One language model behind llama-index. Thread-safe."""

    def __init__(self, llm: LLM, name: str, opened: Opened) -> None:
        self._llm = llm
        self.name = name
        self._opened = opened

    def stream(self, system: str, user: str) -> Iterator[str]:
        """The reply, piece by piece. Raises LanguageModelError, also where the reply breaks off."""
        from llama_index.core.llms import ChatMessage, MessageRole

        messages = [
            ChatMessage(role=MessageRole.SYSTEM, content=system),
            ChatMessage(role=MessageRole.USER, content=user),
        ]
        text, heard, finished = "", False, False
        try:
            for response in self._llm.stream_chat(messages):
                heard = True
                finished = finished or _is_last(response.raw)
                if response.delta:
                    text += response.delta
                    yield response.delta
            if not heard:
                # a server that knows no streaming answers in one piece, which stream readers skip
                text = str(self._llm.chat(messages).message.content or "")
                finished = True
                yield text
        except GeneratorExit:
            raise
        except Exception as error:
            # whatever an SDK raises, in its own classes: the caller must be able to fall back from all of it
            raise _as_ours(error, self.name) from error
        finally:
            self._opened.close()
        if not finished and text.strip() and not text.rstrip().endswith((".", "!", "?", "]", "```")):
            raise LanguageModelError(f"The reply of {self.name} broke off.", repeatable=True)

    def close(self) -> None:
        """Let go of its connections."""
        client = getattr(self._llm, "_client", None)
        # Ollama's client has no way to close, but what it wraps has
        for owner in (client, getattr(client, "_client", None)):
            close = getattr(owner, "close", None)
            if close is not None:
                close()
                return


def address(kind: str, url: str) -> str:
    """Where a model is asked: the one that is set, else the provider's own."""
    return url or {"ollama": "http://localhost:11434", "anthropic": "https://api.anthropic.com"}.get(kind, "")


def open_model(settings: ModelSettings) -> LlamaModel:
    """The model of the settings; no connection is made yet. Raises ModelError where its package isn't installed."""
    makers = {"openai-like": _openai_like, "ollama": _ollama, "anthropic": _anthropic}
    opened = Opened()
    try:
        llm = makers[settings.kind](settings, opened)
    except ImportError as error:
        raise ModelError(
            f"CUECARD_LLM={settings.kind} needs a package that is not installed ({error.name or error}).",
            hint=f"Install cuecard with the extra: pip install 'cuecard[{settings.kind}]'.",
        ) from error
    except Exception as error:
        raise ModelError(f"The language model {settings.model} can't be set up: {error}.") from error
    return LlamaModel(llm, f"{settings.model} ({settings.kind})", opened)


def _openai_like(settings: ModelSettings, opened: Opened) -> LLM:
    http = importlib.import_module("openai").DefaultHttpxClient(event_hooks={"response": [opened.note]})
    made: LLM = importlib.import_module("llama_index.llms.openai_like").OpenAILike(
        model=settings.model,
        api_base=settings.url,
        api_key=settings.api_key or "none",
        is_chat_model=True,
        temperature=0.0,
        max_tokens=MAX_TOKENS,
        timeout=settings.timeout_s,
        max_retries=0,
        http_client=http,
    )
    return made


def _ollama(settings: ModelSettings, _: Opened) -> LLM:
    where = {"base_url": settings.url} if settings.url else {}
    headers = {"Authorization": f"Bearer {settings.api_key}"} if settings.api_key else None
    made: LLM = importlib.import_module("llama_index.llms.ollama").Ollama(
        model=settings.model,
        temperature=0.0,
        context_window=OLLAMA_CONTEXT,
        request_timeout=settings.timeout_s,
        additional_kwargs={"num_predict": MAX_TOKENS},
        headers=headers,
        **where,
    )
    return made


def _anthropic(settings: ModelSettings, _: Opened) -> LLM:
    where = {"base_url": settings.url} if settings.url else {}
    made: LLM = importlib.import_module("llama_index.llms.anthropic").Anthropic(
        model=settings.model,
        api_key=settings.api_key,
        temperature=0.0,
        max_tokens=MAX_TOKENS,
        timeout=settings.timeout_s,
        max_retries=0,
        **where,
    )
    made.metadata  # noqa: B018 - the adapter knows models by name, and would tell with the first question only
    return made


def _is_last(raw: Any) -> bool:
    """Whether a piece of a stream says that it is the last: OpenAI's finish_reason, Ollama's done, Anthropic's stop."""
    if isinstance(raw, dict):
        return bool(raw.get("done") or raw.get("stop_reason"))
    choices = getattr(raw, "choices", None) or ()
    if any(getattr(choice, "finish_reason", None) for choice in choices):
        return True
    return getattr(raw, "type", "") == "message_stop"


def _as_ours(error: Exception, name: str) -> LanguageModelError:
    status = getattr(error, "status_code", None)
    wait = _retry_after(error)
    if isinstance(status, int) and status > 0:
        repeatable = status >= 500 or status in _WORTH_REPEATING
        return LanguageModelError(f"{name} answered with {status}.", repeatable=repeatable, wait_s=wait)
    said = f"{type(error).__name__}: {error}".rstrip(": ")
    return LanguageModelError(f"{name} can't be reached or broke off ({said}).", repeatable=True)


def _retry_after(error: Exception) -> float:
    headers = getattr(getattr(error, "response", None), "headers", None) or {}
    value = str(headers.get("retry-after", ""))
    return float(value) if value.isascii() and value.isdecimal() else 0.0
