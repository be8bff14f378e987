"""Addresses: "https://example.com/path" is said as "example dot com", "ada@x.org" as "ada at x dot org"."""

from __future__ import annotations

import re

from pipeline.text.normalise.edits import Edit
from pipeline.text.speech_languages import SpeechLanguage

__all__ = ["find_links"]

_TLD = (
    "com|org|net|edu|gov|mil|int|info|biz|dev|app|io|ai|co|uk|de|fr|es|it|nl|pl|ru|jp|cn|kr|in|br|ca|au|us|eu|ch"
    "|at|be|se|no|dk|fi|pt|gr|tr|ir|sa|ae|nz|ie|za|mx|ar|tv|me|xyz|tech|cloud|site|online|page|blog|gg|ly|so|to"
    "|fm|sh|rs|store|shop|wiki|news|health|museum|ac|id|sg|hk|tw|cz|il|ua|hu|ro|рф"
)
# Without a path after it only these are surely no sentence that ends without a space ("the end.it began").
_SURE = re.compile(
    "(?:com|org|net|edu|gov|info|biz|dev|app|io|ai|eu|uk|de|fr|nl|jp|kr|cn|ru|tv|xyz|tech|cloud|online|wiki|br|pl)$"
)
_LABEL = "[A-Za-z0-9](?:[A-Za-z0-9-]{0,62})"
_PATH = r"(?:[/?#](?:[^\s<>\"'”’»()\]}|`，。、！？）」』]|\([^\s()<>]{0,80}\)){0,2000})?"
_UNSPACED = "\u2e80-\ud7ff\uf900-\ufaff"  # Chinese, Japanese and Korean letters touch an address
_LINK = re.compile(
    rf"""(?:(?<![\w@.-])|(?<=[{_UNSPACED}]))(?:
    (?P<url>(?:https?|ftp|wss?)://)(?:[^\s/@]{{1,64}}@)?(?P<host>\[[0-9a-fA-F:]{{2,40}}\]|
    (?:{_LABEL}\.){{0,8}}{_LABEL})(?::\d{{1,5}})?(?P<path>{_PATH})
    |(?P<local>[A-Za-z0-9][\w.+%-]{{0,63}})@(?P<mailhost>(?:{_LABEL}\.){{1,8}}[A-Za-z]{{2,24}})(?![\w-])
    |(?P<www>www\.)?(?P<bare>(?:{_LABEL}\.){{1,6}}(?:{_TLD}))(?![^\W{_UNSPACED}]|[@-]|\.[A-Za-z0-9]|\()(?::\d{{2,5}})?
    (?P<tail>{_PATH})
    )""",
    re.VERBOSE,
)
_ANY = re.compile(r"[.:](?=[A-Za-z/])")
_TRAILING = ".,!?;:*_~"


def find_links(text: str, rule: str, language: SpeechLanguage) -> list[Edit]:
    """The edits that say addresses by `rule` (host, skip or full)."""
    edits: list[Edit] = []
    if _ANY.search(text) is None:
        return edits
    for match in _LINK.finditer(text):
        words = _say(match, rule, language)
        if words is None:
            continue
        start, end = match.span()
        end -= len(_stop(match[0]))
        if words == "" and start and text[start - 1] == " " and not text[end : end + 1].isalnum():
            start -= 1
        edits.append((start, end, words))
    return edits


def _say(match: re.Match[str], rule: str, language: SpeechLanguage) -> str | None:
    if match["local"]:
        return (
            f"{_local(match['local'], language)} {language.at} {_host(match['mailhost'], language)}"
            if language.at
            else None
        )
    host, path = (match["host"], match["path"]) if match["url"] else (match["bare"], match["tail"])
    addressed = bool(match["url"] or match["www"] or path.strip(_TRAILING))
    if not addressed and (not _SURE.search(host) or len(host.split(".")[0]) < 2):
        return None
    if rule == "skip":
        return "" if addressed else _host(host, language)
    path = path[: len(path) - len(_stop(path))].strip("/")
    if rule == "host" or not path or not language.slash:
        return _host(host.removeprefix("www."), language)
    parts = [" ".join(_WORD.findall(part)) for part in path.split("/")]
    return f" {language.slash} ".join([_host(host, language), *(part for part in parts if part)])


def _stop(text: str) -> str:
    """The sentence's own marks at the end of an address."""
    return text[len(text.rstrip(_TRAILING)) :]


def _host(host: str, language: SpeechLanguage) -> str:
    """ "my-site.co.uk" -> "my dash site dot co dot uk"; as it is when there is no word for the dot."""
    if not language.dot or _IP.fullmatch(host):
        return host  # the rules for numbers say an address of numbers, here as elsewhere
    return f" {language.dot} ".join(_label(label, language) for label in host.strip(".").split("."))


def _label(label: str, language: SpeechLanguage) -> str:
    return f" {language.dash} ".join(part for part in label.split("-") if part) if language.dash else label


def _local(local: str, language: SpeechLanguage) -> str:
    words = local.replace("_", f" {language.underscore} ").replace("+", f" {language.plus} ")
    return _host(" ".join(words.split()), language)


_IP = re.compile(r"[0-9]{1,3}(?:\.[0-9]{1,3}){3}")
_WORD = re.compile(r"[^\W_]+")
