"""Digits that name rather than count: phone numbers, IP addresses, versions, rooms, codes."""

from __future__ import annotations

from pipeline.text.normalise.english.numbers import digits, number, pairs
from pipeline.text.normalise.rules import Match, after, before, compiled, rule
from pipeline.text.speech_languages.model import words_of

__all__ = ["AT_CHAIN", "AT_NAME", "AT_NUMBER", "AT_PARENTHESIS", "AT_WORD"]


def _groups(*parts: str | None) -> str:
    return ", ".join("eight hundred" if part == "800" else digits(part) for part in parts if part)


@rule(
    r"""(?P<a>\d{1,3})\.(?P<b>\d{1,3})\.(?P<c>\d{1,3})\.(?P<d>\d{1,3})(?:/(?P<mask>\d\d?))?(?::
    (?P<port>\d{1,5}))?(?![\w]|\.\d)"""
)
def _ip(match: Match) -> str | None:
    """ "10.0.0.17" -> "ten dot zero dot zero dot seventeen"."""
    octets = match.group("a", "b", "c", "d")
    if any(int(octet) > 255 for octet in octets):
        return None
    words = " dot ".join(digits(octet) if len(octet) == 3 else number(octet) for octet in octets)
    words += f" slash {number(match['mask'])}" if match["mask"] else ""
    return words + (f" port {digits(match['port'])}" if match["port"] else "")


def _version(text: str) -> str:
    return " point ".join(number(part) for part in text.split("."))


@rule(r"(?P<v>\d{1,5}(?:\.\d{1,6}){2,5})(?P<tail>[-+]?(?:alpha|beta|rc|dev|a|b)\.?\d{0,3})?(?![\w]|\.\d)")
def _dotted(match: Match) -> str:
    """ "2.0.1" -> "two point zero point one"."""
    return _version(match["v"]) + _tail(match["tail"])


def _tail(tail: str | None) -> str:
    if not tail:
        return ""
    name = "".join(c for c in tail if c.isalpha())
    n = "".join(c for c in tail if c.isdigit())
    name = {"rc": "R C", "a": "alpha", "b": "beta"}.get(name, name)
    return f" {name}{' ' + number(n) if n else ''}"


@rule(
    r"(?:v|V(?=\d{1,4}\.\d))(?P<v>\d{1,4}(?:\.\d{1,6}){0,5})(?P<tail>-?(?:alpha|beta|rc|dev)\.?\d{0,3})?(?![\w]|\.\d)"
)
def _v(match: Match) -> str:
    """ "v2" -> "version two"."""
    word = "" if before(match, 9).lower().endswith("version ") else "version "
    return f"{word}{_version(match['v'])}{_tail(match['tail'])}"


_SOFTWARE = compiled(
    r"""\b(?:[Vv]ersions?|[Rr]elease|Python|Node(?:\.js)?|Java|Ruby|Go|Rust|PHP|Perl|Django|Rails
    |Angular|React|Vue|Kotlin|Swift
    |TypeScript|iOS|macOS|Android|Ubuntu|Debian|Fedora|Kubernetes|Terraform|PostgreSQL|Postgres|MySQL
    |Redis|Linux|kernel
    |PyTorch|TensorFlow|pandas|NumPy|Flask|FastAPI|Spring|Bluetooth|USB|HTTP|TLS|SSL|OpenSSL|GCC|LLVM
    |CUDA|Gradle|npm
    |pip|Unity|Blender|Firefox|Chrome|Safari|HTML|CSS|ES)\ $"""
)


@rule(r"(?P<v>\d{1,3}\.\d{1,3})(?P<plus>\+)?(?![\w%]|\.\d)")
def _software_version(match: Match) -> str | None:
    """ "Python 3.11" -> "three point eleven"; "Ubuntu 22.04" -> "twenty-two point oh four"."""
    if not _SOFTWARE.search(before(match)):
        return None
    major, minor = match["v"].split(".")
    said = f"oh {number(minor[1])}" if len(minor) == 2 and minor[0] == "0" and minor[1] != "0" else number(minor)
    return f"{number(major)} point {said}" + (" or later" if match["plus"] else "")


@rule(
    r"""(?:(?P<plus>\+)|(?=1[-.\ ]\(?\d{3}\)?[-.\ ]\d{3}))(?P<cc>\d{1,3})[-.\ ]?\(?(?P<a>\d{1,4})\)?
    (?P<rest>(?:[-.\ /]?\d{2,4}){1,5})
    (?![\w]|[-.]\d)"""
)
def _international(match: Match) -> str | None:
    """ "+44 20 7946 0958", "1-800-555-0199"."""
    rest = [part for part in _SEPARATORS.split(match["rest"]) if part]
    total = len(match["cc"] + match["a"]) + sum(map(len, rest))
    if not 8 <= total <= 15 or (match["plus"] and not _SEPARATORS.search(match[0][1:]) and total < 10):
        return None
    plus = "plus " if match["plus"] else ""
    return f"{plus}{_groups(match['cc'], match['a'], *rest)}"


_SEPARATORS = compiled(r"[-.\s()/]")


@rule(
    r"""\((?P<a>\d{2,5})\)\s?(?P<b>\d{3,4})(?:[-.\ ](?P<c>\d{3,4}))?(?:\s?(?:x|ext\.?)\s?
    (?P<ext>\d{1,5}))?(?![\w]|[-.]\d)"""
)
def _area_code(match: Match) -> str:
    """ "(555) 123-4567"."""
    words = _groups(match["a"], match["b"], match["c"])
    return words + (f", extension {digits(match['ext'])}" if match["ext"] else "")


@rule(r"(?P<a>\d{3})[-.](?P<b>\d{3})[-.](?P<c>\d{4})(?:\s?(?:x|ext\.?)\s?(?P<ext>\d{1,5}))?(?![\w]|[-.]\d)")
def _phone(match: Match) -> str:
    words = _groups(match["a"], match["b"], match["c"])
    return words + (f", extension {digits(match['ext'])}" if match["ext"] else "")


_CALL = compiled(
    r"""
    \b(?:call(?:ing)?|phone|tel(?:ephone)?|dial(?:ing)?|text|fax|hotline|number|mobile|cell|reach\ (?:us
    |me)\ (?:at|on))\b[^.\d]{0,14}$"""
)


@rule(r"1-(?P<a>8\d\d|900)-(?P<word>[A-Z][A-Z-]{2,11})(?!\w)")
def _lettered(match: Match) -> str:
    """ "1-800-FLOWERS"."""
    return f"{_groups('1', match['a'])}, {match['word']}"


@rule(
    r"""[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}(?!\w)
    |\d{1,15}(?:-\d{1,15}){1,9}(?:-?[A-Za-z]\w{0,30})?(?!\w|\s?=)"""
)
def _unknown(match: Match) -> str:
    """Groups of digits that nobody knows, "2024-13-45", "4070-12GB", stay as they are written."""
    return match[0]


@rule(r"(?P<a>\d{3})-(?P<b>\d{4})(?![\w]|[-.]\d)")
def _local(match: Match) -> str | None:
    """ "555-1234"; other numbers of that shape only where one calls."""
    if match["a"] != "555" and not _CALL.search(before(match).lower()):
        return None
    return _groups(match["a"], match["b"])


@rule(r"(?P<a>0\d{1,4})(?P<rest>(?:[-\ ]\d{2,8}){1,5})(?![\w]|[-.]\d)")
def _trunk(match: Match) -> str | None:
    """ "0800 123 456", "020 7946 0958": numbers that begin with a zero are dialled."""
    rest = match["rest"].replace("-", " ").split()
    if not 6 <= len(match["a"]) + sum(map(len, rest)) <= 14:
        return None
    return ", ".join(digits(part) for part in (match["a"], *rest))


@rule(r"(?P<n>911|999|112|988|311|411|811|211|110|119)(?!\w|[.,]\d|-\d|/|:)")
def _emergency(match: Match) -> str | None:
    """ "call 911"."""
    return digits(match["n"]) if _CALL.search(before(match).lower()) else None


@rule(
    r"""(?P<a>\d{3})-(?P<b>\d\d)-(?P<c>\d{4})(?![\w-])|(?P<d>\d{4})[-\ ](?P<e>\d{4})[-\ ](?P<f>\d{4})[-\ ]
    (?P<g>\d{4})(?![\w-])"""
)
def _grouped(match: Match) -> str:
    """Social security and card numbers."""
    return ", ".join(digits(part) for part in match.groups() if part)


@rule(r"(?P<n>97[89](?:-\d{1,7}){3}-[0-9X])(?![\w-])")
def _isbn(match: Match) -> str:
    return ", ".join(digits(part) or "X" for part in match["n"].split("-"))


_CODE = compiled(
    r"""\b(?:(?:zip|post(?:al)?|access|verification|security|confirmation|pass|pin|area|country|dialling
    |discount|error\ id)?\s?codes?
    |pin|otp|passcode|password|zip|ids?|extension|ext\.|account|(?:order|tracking|serial|reference
    |confirmation|case|ticket
    |booking|account|invoice|card|phone|model|part|employee|student|id)\ (?:number|no\.|\#))
    (?:\ is|\ was|:|\ ending\ in|\ number)?:?\s(?:\#)?$"""
)


_CODE_ENDS = frozenset(
    words_of("code codes pin otp passcode password zip id ids extension ext. account number no. is was in postcode")
)
_STATE = compiled(
    r"""\b(?:A[KLRZ]|C[AOT]|D[CE]|FL|GA|HI|I[ADLN]|K[SY]|LA|M[ADEINOST]|N[CDEHJMVY]|O[HKR]|PA|RI|S[CD]
    |T[NX]|UT|V[AT]|W[AIVY])\ $"""
)


def _word_before(match: Match) -> str:
    """The last word before a number, in lower case."""
    return before(match, 24).rstrip(" :#").rpartition(" ")[2].lower()


@rule(r"(?P<n>\d{3,12})(?![\w]|[.,:/]\d|-\d)")
def _code(match: Match) -> str | None:
    """ "your code is 482913", "CA 90210"."""
    if _word_before(match) in _CODE_ENDS:
        cue = before(match)
        return digits(match["n"]) if _CODE.search(cue.lower()) and not _HTTP.search(cue) else None
    if len(match["n"]) == 5 and _STATE.search(before(match, 4)):
        return digits(match["n"])
    return None


_HTTP = compiled(r"\b(?:HTTP|[Ee]rror|[Ss]tatus|[Rr]esponse)\ (?:code\ )?$")
_STATUSES = frozenset(words_of("200 201 204 301 302 304 400 401 403 404 409 418 422 429 500 502 503 504"))
_PLACES = frozenset(
    words_of(
        "room route highway interstate flight boeing airbus suite http error status gate rtx gtx area "
        "channel bus hwy hwy. apartment apt apt."
    )
)


@rule(r"(?P<n>[1-9]\d{2,3})(?:-(?P<b>\d{2,3}))?(?![\w]|[.,:/]\d|-\d|\s?%)")
def _name(match: Match) -> str | None:
    """ "Room 204" -> "two oh four", "a 404" -> "four oh four"."""
    word, number_ = _word_before(match), match["n"]
    if match["b"]:
        return f"{pairs(number_)} {pairs(match['b'])}" if word in ("boeing", "airbus") else None
    if word in _PLACES or (word == "code" and _HTTP.search(before(match))):
        return pairs(number_)
    if word not in ("a", "an", "returns", "return") or number_ not in _STATUSES:
        return None
    return pairs(number_) if number_[1:] != "00" or _OF_HTTP.match(after(match, 8)) else None


_OF_HTTP = compiled(r"\s(?:err|resp|stat)")

AT_NUMBER = (
    _ip, _isbn, _international, _lettered, _phone, _grouped, _local, _trunk, _dotted,
    _software_version,
)  # fmt: skip
AT_NAME = (_emergency, _code, _name)
"""Rules that go by the words before a bare number: asked late, for they match every number."""
AT_CHAIN = (_unknown,)
"""Asked after every other rule for digits and hyphens."""
AT_PARENTHESIS = (_area_code,)
AT_WORD = (_v,)
