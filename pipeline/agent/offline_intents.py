"""What the offline agent understands, and what it says: a table of patterns and the answers to them.

An answer is a generator of text; where it needs a tool it yields `Use` and is sent the tool's output.
The first pattern that matches the user's last message wins, so the table goes from special to general.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from importlib import resources
from typing import Any, TypeAlias

from pipeline.agent import arithmetic
from pipeline.agent.service import Message

__all__ = ["Use", "answer"]

MAX_COUNT = 1000


@dataclass(frozen=True)
class Use:
    """A tool to be used; what it returns is sent back into the generator."""

    tool: str
    arguments: Mapping[str, Any]


Answer: TypeAlias = Generator[str | Use, Any, None]
Handler: TypeAlias = Callable[["re.Match[str]", Sequence[Message]], Answer]


def answer(messages: Sequence[Message]) -> Answer:
    """The answer to the last message."""
    heard = messages[-1]["content"].strip() if messages else ""
    for pattern, handler in _INTENTS:
        if match := pattern.search(heard):
            return handler(match, messages)
    raise AssertionError("the last intent matches everything")


def _time(match: re.Match[str], messages: Sequence[Message]) -> Answer:
    place = (match["place"] or "").strip(" ?!.,")
    yield "Let me check that for you. "
    found = yield Use("get_time", {"place": place} if place else {})
    if "error" in found:
        yield f"I don't know a place called {place}. Try a larger city nearby, or the name of the country."
        return
    where = f"In **{_title(found['place'])}** it" if place else "It"
    day = date.fromisoformat(found["date"])
    yield f"{where} is {found['time']} now, on {found['weekday']}, {day:%B} {day.day}."
    if place:
        yield f"\n\nThat is {_offset(found['utc_offset'])}."


def _offset(offset: str) -> str:
    """ "+0530" as words."""
    hours = int(offset[1:3]) + int(offset[3:5]) / 60
    if not hours:
        return "the same as UTC"
    unit = "hour" if hours == 1 else "hours"
    return f"{hours:g} {unit} {'ahead of' if offset[0] == '+' else 'behind'} UTC"


def _date(match: re.Match[str], messages: Sequence[Message]) -> Answer:
    found = yield Use("get_time", {})
    day = date.fromisoformat(found["date"])
    yield f"Today is **{found['weekday']}**, {day:%B} {day.day}, {day.year}."
    if "week" in match[0]:
        yield f" It is week {day.isocalendar().week} of the year."


def _calculate(match: re.Match[str], messages: Sequence[Message]) -> Answer:
    asked = match["sum"].strip(" ?!.,=")
    try:
        arithmetic.calculate(asked)
    except ValueError as error:
        if not any(char.isdigit() for char in asked):  # "what is love" only looks like a sum
            yield from _small_talk(match, messages)
        else:
            yield f"I cannot work that out: {error}."
        return
    yield "Let me work that out. "
    found = yield Use("calculate", {"expression": asked})
    about = "about " if "exact" in found else ""
    yield f"{_sentence(asked)} is {about}**{found['result']}**."


def _count(match: re.Match[str], messages: Sequence[Message]) -> Answer:
    rest = match["rest"].casefold()
    down = "down" in rest or "back" in rest
    numbers = [number for text in re.findall(_NUMBER, rest) if (number := _whole(text)) is not None]
    if down:
        first, last = [*numbers, 1][:2] if numbers else (10, 1)
    elif len(numbers) > 1:
        first, last = numbers[:2]
    else:
        first, last = 1, numbers[0] if numbers else 10
    if abs(last - first) >= MAX_COUNT:
        yield f"That would take us all day. I count {MAX_COUNT:,} numbers at most in one go."
        return
    yield "Here we go. "
    step = 1 if last >= first else -1
    numbers = list(range(first, last + step, step))
    for start in range(0, len(numbers), 10):
        yield ("" if start == 0 else " ") + ", ".join(map(str, numbers[start : start + 10])) + "."
    yield " Lift-off!" if down else " Done!"


def _read(match: re.Match[str], messages: Sequence[Message]) -> Answer:
    title, *paragraphs = _text("reading.txt").split("\n\n")
    yield f"With pleasure. This is *{title}*.\n\n"
    yield "\n\n".join(paragraphs)


def _story(match: re.Match[str], messages: Sequence[Message]) -> Answer:
    yield (
        "Once upon a time there was a parrot who worked at a railway station. He announced every train, "
        "loudly and well, but nobody could stop him once he had begun.\n\n"
        'One morning an old woman walked up and said, "Young man, my train is leaving." '
        "The parrot stopped in the middle of a word. It was the first time that anyone had spoken *to* "
        "him.\n\n"
        '"Platform 3," he said, "in 2 minutes. Run!" '
        "She ran, she caught it, and from that day on the parrot listened before he spoke. **The end.**"
    )


def _list(match: re.Match[str], messages: Sequence[Message]) -> Answer:
    topic = match[0].casefold()
    if "tea" in topic:
        yield "Here is how to make a good pot of tea:\n\n"
        yield "1. Boil **500 ml** of fresh water.\n2. Warm the pot.\n3. Add 2 teaspoons of leaves.\n"
        yield "4. Pour, and wait 3 to 5 minutes.\n\nThen enjoy it while it's hot."
    else:
        yield "Here are three good habits for talking by voice:\n\n"
        yield "- **Answer first.** The reason can follow.\n- **Keep it short.** One idea per sentence.\n"
        yield "- **Stop when interrupted.** Nobody minds an unfinished sentence.\n\n"
        yield "Do you want more on one of them?"


def _code(match: re.Match[str], messages: Sequence[Message]) -> Answer:
    yield "Here is a small example in Python:\n\n"
    yield "```python\nfor number in range(3):\n    print(number)\n```\n\n"
    yield "It prints the numbers 0, 1 and 2. The function `range` leaves out the last one."


def _table(match: re.Match[str], messages: Sequence[Message]) -> Answer:
    yield "Here are three cities and their time zones:\n\n"
    yield "| City | Zone | From UTC |\n|---|---|---|\n| Lagos | West Africa | +1 |\n"
    yield "| Tokyo | Japan | +9 |\n| Lima | Peru | -5 |\n\nNone of the three changes its clocks in summer."


def _about(match: re.Match[str], messages: Sequence[Message]) -> Answer:
    yield (
        "I am the offline agent of the **voice-turn gateway**. The gateway takes what an agent says, token "
        "by token, and turns it into chunks that can be spoken at once: whole sentences or clauses, without "
        "any markup. "
        "The first words are ready within about 0.2 seconds. "
        "And when you interrupt, it stops, and remembers only what you really heard."
    )


def _abilities(match: re.Match[str], messages: Sequence[Message]) -> Answer:
    yield "I work without a network, so I keep to a few things:\n\n"
    yield "- tell the time, here or anywhere: *What time is it in Tokyo?*\n"
    yield "- do arithmetic: *What is 15% of 80?*\n- count: *Count down from 10.*\n"
    yield "- read to you, or tell you a short story\n- repeat what you said before\n"
    yield "- explain how this gateway works\n\nWhat would you like?"


def _repeat(match: re.Match[str], messages: Sequence[Message]) -> Answer:
    said = [message["content"] for message in messages[:-1] if message["role"] == "user"]
    if said:
        yield f'You said: "{said[-1].strip()}"'
        if len(said) > 1:
            yield f" And before that, {len(said) - 1} other thing{'s' if len(said) > 2 else ''}."
    else:
        yield "This is the first thing that you have said to me."


def _again(match: re.Match[str], messages: Sequence[Message]) -> Answer:
    said = [message["content"] for message in messages[:-1] if message["role"] == "assistant"]
    yield said[-1].strip() or "I had nothing to say." if said else "I have not said anything yet."


def _echo(match: re.Match[str], messages: Sequence[Message]) -> Answer:
    yield match["words"].strip()


def _hello(match: re.Match[str], messages: Sequence[Message]) -> Answer:
    if any(message["role"] == "assistant" for message in messages):
        yield "Hello again! What can I do for you?"
    else:
        yield "Hello! It's good to hear you. Ask me for the time, a sum, or a story."


def _thanks(match: re.Match[str], messages: Sequence[Message]) -> Answer:
    yield "You're welcome! Is there anything else?"


def _bye(match: re.Match[str], messages: Sequence[Message]) -> Answer:
    yield "Goodbye! Talk to you soon."


def _how_are_you(match: re.Match[str], messages: Sequence[Message]) -> Answer:
    yield "I'm fine, thank you: all 4 of my gears are turning. How are you?"


def _empty(match: re.Match[str], messages: Sequence[Message]) -> Answer:
    yield "I did not hear anything. Could you say that again?"


def _small_talk(match: re.Match[str], messages: Sequence[Message]) -> Answer:
    heard = messages[-1]["content"].strip()
    heard = heard.rstrip(" .!")
    short = heard if len(heard) <= 80 else heard[:80].rsplit(" ", 1)[0] + " …"
    yield f'I heard you say "{short}". '
    if heard.endswith("?"):
        yield "That is beyond me without a model, but I can tell the time, do sums, or read to you. "
    else:
        yield "I can't say much about that on my own. "
    yield 'Ask me "What can you do?" to hear more.'


def _whole(text: str) -> int | None:
    try:
        value = arithmetic.calculate(text)
    except ValueError:
        return None
    return int(value) if value.denominator == 1 else None


def _title(place: str) -> str:
    if not place.islower():
        return place
    return place.upper() if len(place) <= 3 else " ".join(word.capitalize() for word in place.split())


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]


@cache
def _text(name: str) -> str:
    return resources.files(__package__).joinpath(name).read_text(encoding="utf-8").strip()


_WORD = "|".join(arithmetic.NUMBER_WORDS)
_NUMBER = rf"-?\d+(?:,\d{{3}})*|(?:\b(?:{_WORD})\b[ -]?)+"
_SUM = rf"(?P<sum>[(\-]?\s*(?:\.?\d|(?:{_WORD})\b|half of|(?:the )?square root|sqrt|√).*)"
_OPERATOR = r"[-+*/x×÷^%]|plus|minus|times|divided|per ?cent|squared|cubed|to the power"

_ASKS_TIME = r"\b(?:what(?:'s| is)? (?:the )?(?:current )?time|what time|the time|how late|time (?=in|at)|clock)\b"

_TABLE: list[tuple[str, Handler]] = [
    (r"^\W*$", _empty),
    (r"^(?:please )?(?:say|repeat after me)[:,]? (?P<words>(?!that\b|it\b|again\b).+)", _echo),
    (r"\bwhat did i (?:just )?(?:say|ask)|\bwhat (?:was|were) my (?:last|previous)\b", _repeat),
    (r"\b(?:say|repeat) (?:that|it)(?: again)?\b|\bonce more\b|^(?:pardon|again|what did you say)\b", _again),
    (rf"{_ASKS_TIME}(?:.*?\b(?:in|at|for)\s+(?P<place>(?!the moment|this)[^?!.;]+))?", _time),
    (r"\b(?:what|which) (?:day|date|week)\b|\b(?:the|today's) date\b|\bwhat is today\b", _date),
    (
        r"\bcount(?:ing)?\b(?P<rest>\s*(?:$|[.!?]|(?:to|from|down|up|back\w*|till|until|for|please)\b).*)",
        _count,
    ),
    (r"\bstory\b|\bonce upon\b", _story),
    (r"\bread (?:to|me|a|the|some|something|from|aloud)\b|\bpoem\b", _read),
    (r"\blist\b|\bsteps\b|\btea\b|\btips\b|\bhabits\b", _list),
    (rf"\b(?:what(?:'s| is| are)|how much is|calculate|compute|work out|and)\s+{_SUM}", _calculate),
    (rf"^(?=.*(?:{_OPERATOR})){_SUM}", _calculate),
    (r"\bcode\b|\bpython\b", _code),
    (r"\btable\b", _table),
    (r"\bwhat can (?:you|i)\b|\bhelp\b|\bwhat do you (?:do|know)\b|\babilities\b", _abilities),
    (r"\bgateway\b|\bwho are you\b|\bwhat are you\b|\byour name\b|\babout (?:you|yourself)\b", _about),
    (r"\bhow are you\b|\bhow(?:'s| is) it going\b", _how_are_you),
    (r"\bthank(?:s| you)\b|\bcheers\b", _thanks),
    (r"\b(?:good ?bye|bye|see you|good night)\b", _bye),
    (r"^\W*(?:hi|hello|hey|good (?:morning|afternoon|evening)|greetings)\b", _hello),
    (r"", _small_talk),
]
_INTENTS = [(re.compile(pattern, re.IGNORECASE | re.DOTALL), handler) for pattern, handler in _TABLE]
