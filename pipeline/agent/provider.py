"""Providers: who is asked for a response, how often, and who is asked next."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing

from loguru import logger
from openai import AsyncOpenAI

from pipeline.agent.backoff import backoff_delays, retry_delay_s
from pipeline.agent.breaker import CircuitBreaker
from pipeline.agent.model_stream import ModelError, ModelTimeouts, open_model_stream
from pipeline.agent.waits import Waits
from pipeline.agent.wire import ModelEvent, Prompt, Wire

__all__ = ["Provider", "respond"]


class Provider:
    """A model on a server, the wire it speaks, and its circuit breaker."""

    def __init__(self, client: AsyncOpenAI, wire: Wire, model: str) -> None:
        self.client = client
        self.wire = wire
        self.model = model
        self.breaker = CircuitBreaker()

    async def respond(
        self, prompt: Prompt, timeouts: ModelTimeouts, waits: Waits, words_by: float
    ) -> AsyncGenerator[ModelEvent, None]:
        """One try. Raises ModelError; the breaker learns how it went."""
        settle = self.breaker.released
        try:
            async with (
                open_model_stream(
                    self.client,
                    self.wire.path,
                    self.wire.body(self.model, prompt),
                    timeouts,
                    waits=waits,
                    words_by=words_by,
                ) as response,
                aclosing(self.wire.read(response)) as events,
            ):
                async for event in events:
                    settle = self.breaker.succeeded  # a try that is left in the middle was a good one
                    yield event
        except ModelError as error:
            settle = self.breaker.failed if error.retryable else self.breaker.released
            raise
        finally:
            settle()


async def respond(
    providers: Sequence[Provider],
    prompt: Prompt,
    timeouts: ModelTimeouts,
    waits: Waits,
    *,
    tries: int = 2,
) -> AsyncGenerator[ModelEvent, None]:
    """A response of the first provider that gives one: `tries` tries each, where trying again can help.

    Once anything was passed on there is no second try: a listener would hear two beginnings. All together
    have `first_chunk_s` for the first words. Raises the last ModelError.
    """
    loop = asyncio.get_running_loop()
    words_by = loop.time() + timeouts.first_chunk_s
    failure: ModelError | None = None
    for number, provider in enumerate(providers, 1):
        is_last = number == len(providers)
        delays = backoff_delays(tries)
        while provider.breaker.acquire():
            try:
                passed_on = False
                async with aclosing(provider.respond(prompt, timeouts, waits, words_by)) as events:
                    async for event in events:
                        passed_on = True
                        yield event
                return
            except ModelError as error:
                failure = error
            # A silent provider has used up the listener's patience: with another at hand, ask that one.
            silent = failure.code == "agent_timeout" and not is_last
            delay_s = next(delays, None)
            if passed_on or loop.time() >= words_by:
                raise failure
            if not failure.retryable or delay_s is None or silent:
                break
            await _pause(waits, retry_delay_s(delay_s, failure.retry_after_s))
        else:
            logger.warning("model {} is left alone after its failures", provider.model)
    raise failure or ModelError("The model is not available at the moment.", retryable=True)


async def _pause(waits: Waits, delay_s: float) -> None:
    loop = asyncio.get_running_loop()
    await waits.until(loop.time() + delay_s + 1, asyncio.sleep(delay_s))
