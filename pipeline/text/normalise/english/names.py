"""English names with marks: handles, "C#", "H₂O", "mp3", "GPT-4o", "UTC+2", "localhost:8000"."""

from __future__ import annotations

from pipeline.text.normalise.english import files
from pipeline.text.normalise.english.files import identifier, spaced_digits
from pipeline.text.normalise.english.maths import SUPERSCRIPTS
from pipeline.text.normalise.english.numbers import digits, number, pairs, year
from pipeline.text.normalise.rules import Match, after, before, compiled, rule

__all__ = ["AT_AT", "AT_BRACKET", "AT_HASH", "AT_WORD"]


@rule(r"(?P<letter>[A-Z])\.(?P<n>\d{3})(?!\w|\.\d)")
def _standard(match: Match) -> str:
    """ "H.264"."""
    return f"{match['letter']} {pairs(match['n'])}"


_SHARP = {
    "C#": "C sharp",
    "F#": "F sharp",
    "C++": "C plus plus",
    "G++": "G plus plus",
    "g++": "g plus plus",
    "J#": "J sharp",
}


@rule(r"(?P<name>[CFJ]\#|[CGg]\+\+)(?P<rest>\d\d)?(?![\w#+])")
def _sharp(match: Match) -> str:
    """ "C#", "C++17"; a musical "A#" is left."""
    return _SHARP[match["name"]] + (f" {number(match['rest'])}" if match["rest"] else "")


@rule(r"(?P<name>[A-Za-z]\w{0,30})\+(?![\w+=])(?!\s?\d)")
def _plus(match: Match) -> str:
    """ "A+", "Disney+"."""
    return f"{match['name']} plus"


@rule(r"(?P<f>(?:[A-Z][a-z]?[₀-₉]{0,3}|\((?:[A-Z][a-z]?[₀-₉]{0,3}){1,4}\)[₀-₉]{1,3}){1,12})(?![\w²³])")
def _formula(match: Match) -> str | None:
    """ "CO₂" -> "C O two", "C₆H₁₂O₆"."""
    if not _SUBSCRIPT.search(match["f"]):
        return None
    return " ".join(
        number(part.translate(SUPERSCRIPTS)) if _SUBSCRIPT.match(part) else part for part in _ATOMS.findall(match["f"])
    )


_SUBSCRIPT = compiled(r"[₀-₉]{1,3}")
_ATOMS = compiled(r"[A-Z][a-z]?|[₀-₉]{1,3}")


@rule(r"(?P<v>[A-Za-z]{1,8})(?P<n>[₀-₉]{1,4})(?!\w)")
def _index(match: Match) -> str:
    """ "x₁" -> "x one", "log₂"."""
    return f"{match['v']} {number(match['n'].translate(SUPERSCRIPTS))}"


_CHEMICAL = {
    "CO2": "C O two",
    "NO2": "N O two",
    "SO2": "S O two",
    "H2O": "H two O",
    "H2": "H two",
    "O2": "O two",
    "N2": "N two",
    "CO2e": "C O two e",
    "NO3": "N O three",
    "O3": "O three",
    "CH4": "C H four",
    "NH3": "N H three",
    "H2SO4": "H two S O four",
    "N2O": "N two O",
    "HNO3": "H N O three",
    "C6H12O6": "C six H twelve O six",
}


@rule(rf"(?P<f>{'|'.join(sorted(_CHEMICAL, key=len, reverse=True))})(?!\w)")
def _chemical(match: Match) -> str:
    return _CHEMICAL[match["f"]]


@rule(r"(?P<q>Q[1-4]|H[12]|FY)[\s-]?(?:['’](?P<short>\d\d)|(?P<year>(?:19|20)\d\d))?(?![\w])")
def _quarter(match: Match) -> str | None:
    """ "Q3 2025" -> "Q three twenty twenty-five", "FY2024"."""
    if match["q"] == "FY" and not (match["year"] or match["short"]):
        return None
    words = "FY" if match["q"] == "FY" else f"{match['q'][0]} {number(match['q'][1])}"
    if match["year"]:
        return f"{words} {year(int(match['year']))}"
    if match["short"]:
        return f"{words} {number(match['short'])}"
    return words + match[0][2:]


@rule(r"(?P<name>(?:UTC|GMT))(?P<sign>[-+−])(?P<h>\d\d?)(?::?(?P<m>\d\d))?(?!\w)")
def _offset(match: Match) -> str:
    """ "UTC+2"."""
    sign = "plus" if match["sign"] == "+" else "minus"
    return f"{match['name']} {sign} {number(str(int(match['h'])))}" + (
        f" {number(match['m'])}" if match["m"] and match["m"] != "00" else ""
    )


@rule(
    r"""(?P<a>[A-Za-z]{1,12})(?P<hyphen>-)?(?P<n>\d{1,4})(?:\.(?P<dec>\d{1,3}))?(?P<z>[A-Za-z]{0,3}|
    (?:[A-Za-z]{1,3}\d{1,3}[A-Za-z]{0,2}))(?![\w]|[.,:/]\d)(?!-\d)"""
)
def _mixed(match: Match) -> str | None:
    """ "mp3" -> "mp three", "GPT-4o" -> "GPT four o", "sha256" -> "sha two fifty-six", "F-16"."""
    if match["z"].lower() in ("am", "pm") or (match["hyphen"] and before(match, 1) == "-"):
        return None  # "noon-1pm", "2-for-1"
    said = pairs(match["n"])
    if match["dec"]:
        minor = match["dec"]
        said = f"{number(match['n'])} point {digits(minor)}"
    elif match["hyphen"] and match["n"][:2] in ("18", "19", "20") and len(match["n"]) == 4 and match["z"] == "s":
        return None
    tail = match["z"]
    if tail == "s" and match["hyphen"]:
        return None
    return f"{match['a']} {said}" + (f" {spaced_digits(tail)}" if tail else "")


@rule(r"(?P<name>HTTP|H|TCP|UDP|IPv\d)/(?=\d)")
def _protocol(match: Match) -> str:
    """ "HTTP/2": the version has its own rule."""
    return f"{match['name']} "


@rule(r"(?P<host>localhost|[A-Za-z][\w-]{0,40}):(?P<port>\d{4,5})(?![\w:]|\.\d)")
def _port(match: Match) -> str:
    """ "localhost:8000"."""
    return f"{match['host']} port {digits(match['port'])}"


@rule(
    r"[A-Za-z]{1,12}(?:-\d{1,9}[A-Za-z]{0,2}){2,6}(?!\w)|[A-Za-z]{1,12}\d\w{0,12}(?:-[A-Za-z]\w{0,12}){0,4}-\d[\w-]{0,40}"
)
def _code(match: Match) -> str:
    """ "CVE-2021-44228", "Llama-3-70B", "i7-13700K", "x86-64" are best left as they are written."""
    return match[0]


@rule(r"T-(?P<n>\d{1,3})(?!\w)")
def _countdown(match: Match) -> str:
    """ "T-10 and counting" -> "T minus ten"; another "T-34" stays."""
    return f"T minus {number(match['n'])}" if _COUNTING.match(after(match)) else match[0]


_COUNTING = compiled(r"\s(?:and\ counting|seconds?|minutes?|hours?|days?|weeks?)\b")


@rule(r"(?P<word>[A-Za-z]{1,20})-(?=\d)")
def _hyphen(match: Match) -> str:
    """ "mid-1990s": the number after the hyphen has its own rule."""
    if match["word"].lower() in ("noon", "midnight", "now"):
        return f"{match['word']} to "
    return f"{match['word']}{'-' if before(match, 1) == '-' else ' '}"


@rule(r"@(?P<name>[A-Za-z_][\w.]{0,40}\w|[A-Za-z])")
def _handle(match: Match) -> str | None:
    """ "@ada_l" -> "at ada l"."""
    if before(match, 1).isalnum():
        return None
    return f"at {identifier(match['name'].replace('.', ' dot '))}"


@rule(r"@(?=\s?[$€£]?\d|\s)")
def _at(match: Match) -> str:
    """ "3 @ $5"."""
    left = "" if before(match, 1).isspace() else " "
    return f"{left}at" + ("" if after(match, 1).isspace() else " ")


@rule(r"\#\s?(?P<n>\d{1,3}(?:,\d{3}){1,3}|\d{1,9})(?![\w])")
def _number_sign(match: Match) -> str | None:
    """ "#1" -> "number one"."""
    return f"number {number(match['n'])}" if not before(match, 1).isalnum() else None


@rule(r"\#(?P<tag>\d{0,6}[A-Za-z]\w{1,60})")
def _hashtag(match: Match) -> str | None:
    """ "#MeToo" -> "hashtag MeToo"."""
    return f"hashtag {identifier(match['tag'])}" if not before(match, 1).isalnum() else None


@rule(r"\[\d{1,2}\](?:\[\d{1,2}\]){0,9}")
def _citation(match: Match) -> str | None:
    """ "as shown.[3]": a reference to a source has nothing for the ear; "[1]" inside code is an index."""
    left = before(match, 2)
    return "" if left[-1:] in ".,;!?)" or (left[-1:] == " " and after(match, 1) in ("", ".", ",", ";")) else None


AT_WORD = (
    _standard, _sharp, *files.AT_WORD, _offset, _quarter, _chemical, _formula, _index, *files.SNAKE,
    _protocol, _port, _code, _countdown, _mixed, _hyphen, _plus,
)  # fmt: skip
AT_AT = (_handle, _at)
AT_BRACKET = (_citation,)
AT_HASH = (_number_sign, _hashtag)
