"""English abbreviations: "Dr. Smith", "Main St.", "e.g.", "vs.", "No. 5", "U.S.", "w/o"."""

from __future__ import annotations

from pipeline.text.normalise.rules import Match, after, before, compiled, one_of, rule
from pipeline.text.speech_languages.model import words_of

__all__ = ["AT_WORD", "WITH_STOP"]

# before a name
_TITLES = {
    "Mr": "Mister", "Mrs": "Missus", "Ms": "Ms", "Prof": "Professor", "Rev": "Reverend", "Gen": "General",
    "Col": "Colonel", "Capt": "Captain", "Lt": "Lieutenant", "Sgt": "Sergeant", "Maj": "Major",
    "Sen": "Senator",
    "Rep": "Representative", "Gov": "Governor", "Pres": "President", "Hon": "Honorable", "Mt": "Mount",
    "Ft": "Fort", "Cmdr": "Commander", "Adm": "Admiral", "Supt": "Superintendent", "Messrs": "Messrs",
}  # fmt: skip
# after a name
_ENDINGS = {
    "Jr": "Junior", "Sr": "Senior", "Inc": "Incorporated", "Ltd": "Limited", "Corp": "Corporation",
    "Co": "Company",
    "Bros": "Brothers", "Ave": "Avenue", "Blvd": "Boulevard", "Rd": "Road", "Hwy": "Highway",
    "Pkwy": "Parkway",
    "Ln": "Lane", "Esq": "Esquire", "Sq": "Square", "Ct": "Court", "Pl": "Place",
}  # fmt: skip
# before a number
_BEFORE_NUMBER = {
    "No": "number", "no": "number", "Nos": "numbers", "nos": "numbers", "p": "page", "pp": "pages",
    "P": "page",
    "Vol": "volume", "vol": "volume", "Ch": "chapter", "ch": "chapter", "Fig": "figure", "fig": "figure",
    "Figs": "figures", "figs": "figures", "Sec": "section", "sec": "section", "Art": "article",
    "Eq": "equation",
    "eq": "equation", "ext": "extension", "Ext": "extension", "Apt": "apartment", "apt": "apartment",
    "Ste": "suite", "c": "circa", "ca": "circa", "Bldg": "building", "Rm": "room", "Op": "opus", "op": "opus",
    "Ex": "example", "l": "line", "ll": "lines", "Pt": "part", "pt": "part", "Ver": "version",
    "ver": "version",
}  # fmt: skip
# anywhere
_ANYWHERE = {
    "e.g": "for example", "i.e": "that is", "etc": "et cetera", "vs": "versus", "cf": "compare",
    "approx": "approximately", "Approx": "approximately", "est": "estimated", "dept": "department",
    "Dept": "Department", "govt": "government", "Govt": "Government", "avg": "average", "max": "maximum",
    "Max": "maximum", "min": "minimum", "Min": "minimum", "incl": "including", "excl": "excluding",
    "viz": "namely",
    "tel": "telephone", "Tel": "Telephone", "temp": "temperature", "misc": "miscellaneous",
    "a.k.a": "also known as",
    "et al": "and others", "ibid": "ibidem", "resp": "respectively", "E.g": "For example", "I.e": "That is",
    "asst": "assistant", "Asst": "Assistant", "attn": "attention", "Attn": "Attention",
    "intl": "international",
    "Intl": "International", "natl": "national", "assn": "association", "Assn": "Association",
    "Univ": "University",
    "P.S": "P S", "Ph.D": "PhD", "Ph.D.s": "PhDs",
}  # fmt: skip
_ANYWHERE |= {"eg": "for example", "ie": "that is", "aka": "also known as"}
_WITHOUT_STOP = {
    "vs": "versus", "aka": "also known as", "w/o": "without", "w/": "with", "b/c": "because",
    "N/A": "not applicable",
    "n/a": "not applicable", "approx": "approximately", "e.g": "for example", "i.e": "that is",
    "c/o": "care of",
    "Mr": "Mister", "Mrs": "Missus", "Dr": "Doctor", "Prof": "Professor",
}  # fmt: skip


WITH_STOP = frozenset({*_TITLES, *_ENDINGS, *_ANYWHERE, "Dr", "St", "No", "no", "Nos", "nos"})
"""Abbreviations that end in a full stop, without it."""

_STARTERS = frozenset(
    words_of(
        "The It This That These Those In On At He She They We You But And So If When While However A An "
        "I There Here "
        "What Why How Who Its His Her Their Our My As For To With By From After Before Although Because "
        "Then Now Today"
    )
)


def _sentence_ends(match: Match) -> bool:
    """Whether the full stop of the abbreviation is also that of the sentence."""
    following = after(match, 24)
    rest = following.lstrip("\"'”’)")
    if not rest.strip():
        return True
    return rest[0].isspace() and rest.split(None, 1)[0].rstrip(",.") in _STARTERS


def _stop(match: Match) -> str:
    return "." if _sentence_ends(match) else ""


_CAPITAL_AFTER = compiled(r"\s?[A-Z]")
_CAPITAL_BEFORE = compiled(r"(?:\b[A-Z][a-z'’]+|\b\d{1,3}(?:st|nd|rd|th))\s$")
_HOUSE_BEFORE = compiled(r"\b\d{1,5}[A-Z]?\s(?:[NSEW]\.?\s)?(?:[A-Z][\w'’]*\s|\d{1,3}(?:st|nd|rd|th)\s){1,3}$")
_SAINTS = (
    "Louis John Johns Paul Petersburg Peter Mary James George Patrick Andrews Andrew Thomas Francis "
    "Nicholas Joseph Lucia "
    "Augustine Helens Moritz Tropez Kitts Vincent Martin Barts Albans Ives Catherine Catharines "
    "Michael Mark Luke Matthew "
    "Anne Anthony Bernard Clair Cloud Croix Denis David Gallen Germain Giles Helena Jerome Jude "
    "Lawrence Malo Olaf Pancras "
    "Stephen Teresa Valentine Kilda Pierre Charles Benedict Ann Elizabeth Agnes Cecilia Clement"
)
_SAINT_AFTER = compiled(rf"\s(?:{'|'.join(words_of(_SAINTS))})\b")


@rule(r"Dr\.?(?=[\s,.;)]|$)")
def _dr(match: Match) -> str | None:
    """ "Dr. Smith" -> "Doctor Smith", "Mulholland Dr." -> "Mulholland Drive"."""
    named = _CAPITAL_AFTER.match(after(match, 4)) is not None
    if _HOUSE_BEFORE.search(before(match)) or (not named and _CAPITAL_BEFORE.search(before(match))):
        return "Drive" + (_stop(match) if match[0].endswith(".") else "")
    return "Doctor" if named and (match[0][-1] == "." or after(match, 2)[1:].isupper()) else None


@rule(r"St\.(?=[\s,;)]|$)")
def _st(match: Match) -> str | None:
    """ "St. John" -> "Saint John", "Main St." -> "Main Street"."""
    if _SAINT_AFTER.match(after(match, 16)) and not _HOUSE_BEFORE.search(before(match)):
        return "Saint"
    if _CAPITAL_BEFORE.search(before(match)):
        return "Street" + _stop(match)
    return "Saint" if _CAPITAL_AFTER.match(after(match, 4)) else None


@rule(rf"(?P<title>{one_of(_TITLES)})\.(?=\s[A-Z]|\s?$|\s(?:and|&)\s)")
def _title(match: Match) -> str:
    return _TITLES[match["title"]]


@rule(r"(?P<title>Mr|Mrs|Prof)(?=\s[A-Z])")
def _bare_title(match: Match) -> str:
    return _TITLES[match["title"]]


@rule(rf"(?P<name>{one_of(_BEFORE_NUMBER)})\.\s?(?=\d|[IVX]{{2,5}}\b)")
def _numbered(match: Match) -> str | None:
    """ "No. 5" -> "number five"; the answer "No." is followed by no number."""
    if match["name"] == "No" and match[0].endswith(" ") and before(match, 2)[-1:] not in (" ", "(", ""):
        return None
    words = _BEFORE_NUMBER[match["name"]]
    return (words[0].upper() + words[1:] if match["name"][0].isupper() and match.start() == 0 else words) + " "


@rule(rf"(?P<name>{one_of(_ENDINGS)})\.")
def _ending(match: Match) -> str | None:
    """ "Acme Inc.", "Fifth Ave."; "Co." and the like need a name before them."""
    if not before(match, 3)[-2:].rstrip(" ,&"):
        return None
    if not _CAPITAL_BEFORE.search(before(match, 24).replace(", ", " ").replace("& ", "")) and match["name"] not in (
        "Inc",
        "Ltd",
        "Corp",
        "Jr",
        "Sr",
        "Blvd",
        "Ave",
    ):
        return None
    if match["name"] in ("Pl", "Ct", "Sq") and not _HOUSE_BEFORE.search(before(match)):
        return None
    return _ENDINGS[match["name"]] + _stop(match)


@rule(rf"(?P<name>{one_of(_ANYWHERE)})\.(?!\w)(?P<comma>,)?")
def _anywhere(match: Match) -> str | None:
    """ "e.g.", "etc.", "vs."."""
    name = match["name"]
    if name in ("min", "Min", "max", "Max", "temp", "est", "avg", "Tel", "tel") and _sentence_ends(match):
        return None
    words = _ANYWHERE[name]
    return words + (match["comma"] or _stop(match))


@rule(r"(?P<name>vs|aka|w/o|b/c|N/A|n/a|c/o|e\.g|i\.e)(?![\w/])|w/(?=\s\w|[a-z]{3,})")
def _bare(match: Match) -> str:
    """ "vs", "w/o", "N/A"."""
    if match[0] == "w/":
        return "with" if after(match, 1).isspace() else "with "
    return _WITHOUT_STOP[match["name"]]


@rule(r"(?P<letters>(?:[A-Z]\.){2,6}|(?:[A-Z]\.){1,5}[A-Z](?![\w.]))(?P<s>['’]?s\b)?")
def _dotted(match: Match) -> str:
    """ "U.S." -> "U S", "J.R.R." -> "J R R"."""
    words = " ".join(match["letters"].replace(".", ""))
    if match["s"]:
        return words + match["s"]
    return words + (_stop(match) if match[0].endswith(".") else "")


AT_WORD = (_dr, _st, _numbered, _title, _bare_title, _anywhere, _ending, _bare, _dotted)
