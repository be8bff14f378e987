"""Providers: who is asked for a response, how often, and who is asked next."""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncGenerator, Sequence, Set
from contextlib import aclosing
from functools import partial

import msgspec
from openai import AsyncOpenAI

from pipeline.agent.backoff import backoff_delays, retry_delay_s
from pipeline.agent.breaker import CircuitBreaker
from pipeline.agent.model_errors import ModelError, warn
from pipeline.agent.model_stream import ModelTimeouts, open_model_stream
from pipeline.agent.waits import Waits
from pipeline.agent.wire import ModelEvent, Prompt, Wire

__all__ = ["Provider", "respond"]


class Provider:
    """A model on a server, the wire it speaks, its circuit breaker, and what it was found not to understand."""

    def __init__(self, client: AsyncOpenAI, wire: Wire, model: str) -> None:
        self.client = client
        self.wire = wire
        self.model = model
        self.breaker = CircuitBreaker()
        self.without: set[str] = set()
        """The parts of a request that are never sent."""

    def body(self, prompt: Prompt, without: Set[str]) -> dict[str, object]:
        """The request, less these parts."""
        if "thoughts" in without:
            prompt = msgspec.structs.replace(prompt, outputs={})
        body = self.wire.body(self.model, prompt)
        return {name: value for name, value in body.items() if name not in without}

    def leave_out(self, parts: Set[str]) -> None:
        """Never send these parts again: it was found that this helps."""
        for part in parts - self.without:
            warn("model {} is asked without {} from now on", self.model, part)
        self.without |= parts


async def respond(
    providers: Sequence[Provider],
    prompt: Prompt,
    timeouts: ModelTimeouts,
    waits: Waits,
    *,
    tries: int = 2,
) -> AsyncGenerator[list[ModelEvent], None]:
    """A response of the first provider that gives one, in batches: `tries` tries each, where another can help.

    Once anything was passed on there is no second try: a listener would hear two beginnings. All together
    have `first_chunk_s` for the first words. Raises the last ModelError.
    """
    loop = asyncio.get_running_loop()
    words_by = loop.time() + timeouts.first_chunk_s
    failure: ModelError | None = None
    for number, provider in enumerate(providers, 1):
        is_last = number == len(providers)
        delays = backoff_delays(tries)
        without = set(provider.without)
        while provider.breaker.acquire():
            passed_on = False
            with provider.breaker.trial() as trial:
                try:
                    async with (
                        open_model_stream(
                            provider.client,
                            provider.wire.path,
                            provider.body(prompt, without),
                            timeouts,
                            waits=waits,
                            words_by=words_by,
                        ) as stream,
                        aclosing(stream.batches(provider.wire.decoder())) as batches,
                    ):
                        async for batch in batches:
                            if not passed_on:
                                provider.leave_out(without)
                            passed_on = trial.verdict = True  # one that is left in the middle was a good one
                            yield batch
                    return
                except ModelError as error:
                    failure = error
                    trial.verdict = False if error.retryable else None
            if passed_on or loop.time() >= words_by:
                raise failure
            if failure.without and failure.without not in without:
                without.add(failure.without)
                continue
            delay_s = next(delays, None)
            # A silent provider has used up the listener's patience: with another at hand, ask that one.
            silent = failure.code == "agent_timeout" and not is_last
            if not failure.retryable or delay_s is None or silent:
                break
            await waits.until(math.inf, partial(asyncio.sleep, retry_delay_s(delay_s, failure.retry_after_s)))
        else:
            warn("model {} is left alone after its failures", provider.model)
    raise failure or ModelError("The model is not available at the moment.", retryable=True)
