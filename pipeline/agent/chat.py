"""The chat completions wire, and an agent that is nothing but one chat completion per turn."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing

import msgspec
from loguru import logger
from openai import AsyncOpenAI

from pipeline.agent.model_stream import ModelError, ModelTimeouts, make_client, open_model_stream
from pipeline.agent.payload import PayloadDecoder
from pipeline.agent.service import Message
from pipeline.events import AgentEvent, StreamEnd, StreamToken, Usage

__all__ = ["SPEECH_INSTRUCTIONS", "ChatAgent"]

SPEECH_INSTRUCTIONS = """\
You are talking with someone by voice: everything you write is spoken aloud.
Answer first, in one short sentence; explain afterwards only as far as it helps. Keep to two or three \
sentences unless more is asked for. Use plain, natural sentences, as people speak. No tables, no headings, \
no emoji, no code unless asked for, and lists only when the order or the number of things matters. \
Write numbers, dates and units the usual way. Say the name of a site instead of spelling out an address. \
What you hear may be misrecognised: when it makes no sense, ask a short question back. \
Answer in the language you are spoken to."""


class _Delta(msgspec.Struct, gc=False):
    content: str | None = None
    refusal: str | None = None
    reasoning: str | None = None  # never spoken, but a sign of life; its name depends on the server
    reasoning_content: str | None = None


class _Choice(msgspec.Struct, gc=False):
    index: int = 0
    delta: _Delta | None = None
    finish_reason: str | None = None


class _Usage(msgspec.Struct, gc=False):
    prompt_tokens: int = 0
    completion_tokens: int = 0


class _Chunk(msgspec.Struct, gc=False):
    choices: list[_Choice] = []
    usage: _Usage | None = None
    error: msgspec.Raw | None = None


class ChatAgent:
    """An AgentService over any OpenAI-compatible server (OpenAI, Ollama, llama.cpp, vLLM).

    Nothing is connected before the first turn. `aclose` closes the connections that are kept open.
    """

    def __init__(
        self,
        model: str,
        *,
        base_url: str | None = None,
        api_key: str | None = None,
        instructions: str = SPEECH_INSTRUCTIONS,
        first_token_timeout_s: float = 2.5,
        stall_timeout_s: float = 3.0,
        client: AsyncOpenAI | None = None,
    ) -> None:
        self._client = client or make_client(base_url=base_url, api_key=api_key)
        self._model = model
        self._instructions = instructions
        self._timeouts = ModelTimeouts(first_token_timeout_s, stall_timeout_s)

    async def stream(self, messages: Sequence[Message]) -> AsyncGenerator[AgentEvent, None]:
        """Tokens as the model says them, then StreamEnd; raises AgentError."""
        system: list[Message] = (
            [{"role": "system", "content": self._instructions}] if self._instructions else []
        )
        body = {
            "model": self._model,
            "messages": [*system, *messages],
            "stream": True,
            "stream_options": {"include_usage": True},
        }
        async with (
            open_model_stream(self._client, "/chat/completions", body, self._timeouts) as response,
            aclosing(response.payloads()) as batches,
        ):
            decoder = PayloadDecoder(_Chunk)
            finish: str | None = None
            usage: Usage | None = None
            said = done = False
            async for payloads in batches:
                for payload in payloads:
                    if payload.startswith(b"[DONE]"):
                        done = True
                        break
                    chunk = decoder.decode(payload)
                    if chunk.error is not None:
                        logger.warning("the model reported an error in its stream")
                        logger.debug("its error: {}", bytes(chunk.error))
                        raise ModelError("The model failed while it answered.", retryable=True)
                    if chunk.usage is not None:
                        usage = Usage(chunk.usage.prompt_tokens, chunk.usage.completion_tokens)
                    for choice in chunk.choices:
                        if choice.index != 0:  # several answers were not asked for; one is spoken
                            continue
                        finish = choice.finish_reason or finish
                        delta = choice.delta
                        if delta is None:
                            continue
                        if said_now := delta.content or delta.refusal:
                            response.alive()
                            if text := decoder.text(said_now):
                                said = True
                                yield StreamToken(text)
                        elif delta.reasoning_content or delta.reasoning:
                            response.alive()
                if done:
                    break
            if not (done or finish):
                logger.warning("the model's stream ended without an end")
                raise ModelError("The connection to the model broke.", retryable=True)
            if finish == "content_filter" and not said:
                raise ModelError("The model declined to answer.")
            yield StreamEnd(usage=usage or msgspec.UNSET)
            await response.drain()

    async def aclose(self) -> None:
        """Close the client and its connections."""
        await self._client.close()
