"""English names of files and in code: "main.py", ".env", "snake_case", "os.path.join(", "/etc/hosts", "--dry-run"."""

from __future__ import annotations

from pipeline.text.normalise.english.numbers import number, pairs
from pipeline.text.normalise.rules import Match, before, compiled, rule

__all__ = ["AT_DOT", "AT_SLASH", "AT_WORD", "SNAKE", "identifier", "spaced_digits"]

_EXTENSIONS = (
    r"""
    (?:py|js|jsx|ts|tsx|md|txt|json|jsonl|yaml|yml|csv|tsv|pdf|png|jpe?g|gif|svg|webp|html?|css|scss|xml
    |sql|sh|bash|go|rs"""
    r"""
    |java|c|h|cpp|hpp|cs|rb|php|swift|kt|toml|ini|cfg|conf|env|log|zip|gz|tar|exe|dll|so|docx?|xlsx?
    |pptx?|mp[34]|wav"""
    r"""
    |ogg|mov|avi|ipynb|lock|net|bat|ps1|vue|lua|r|jl|tex|bib|db|sqlite|parquet|pem|key|crt|service|local
    |example|io)"""
)
_LETTERS_DIGITS = compiled(r"\d{1,9}")
_LETTERED = frozenset(
    [
        "js",
        "ts",
        "jsx",
        "tsx",
        "md",
        "csv",
        "tsv",
        "pdf",
        "png",
        "svg",
        "html",
        "htm",
        "css",
        "scss",
        "xml",
        "sql",
        "sh",
        "rs",
        "yml",
        "cpp",
        "hpp",
        "cs",
        "rb",
        "php",
        "db",
    ]
)


def _extension(name: str) -> str:
    return name.upper() if name in _LETTERED else spaced_digits(name)


def spaced_digits(text: str) -> str:
    return " ".join(_LETTERS_DIGITS.sub(lambda m: f" {pairs(m[0]) if len(m[0]) < 5 else number(m[0])} ", text).split())


def identifier(text: str) -> str:
    return spaced_digits(text.replace("_", " ").replace("-", " "))


@rule(
    rf"""(?P<name>[A-Za-z0-9_][\w-]{{0,63}}(?:\.[\w-]{{1,40}}){{0,3}})\.(?P<ext>{_EXTENSIONS})(?![\w@]
    |\.\w|[-]\w)"""
)
def _file(match: Match) -> str | None:
    """ "main.py" -> "main dot py", "Node.js" -> "Node dot JS"."""
    name, ext = match["name"], match["ext"]
    if ext in ("so", "go", "r", "c", "h", "key", "log", "service", "local", "example", "lock", "env") and (
        name.isdigit()
        or (
            "." not in name
            and "_" not in name
            and name.islower()
            and ext in ("so", "go", "key", "log", "service", "local", "lock", "example")
        )
    ):
        return None
    if name.replace(".", "").isdigit():
        return None
    return " dot ".join([*(identifier(part) for part in name.split(".")), _extension(ext)])


@rule(r"\.(?P<name>NET|[a-z][a-z0-9]{1,20}(?:rc|ignore|config|env|local)?)(?!\w)")
def _dot_name(match: Match) -> str | None:
    """ ".NET", ".env", ".gitignore": a word that begins with a dot."""
    if before(match, 1).strip() and before(match, 1) not in "(\"'“‘/":
        return None
    return f"dot {'net' if match['name'] == 'NET' else _extension(match['name'])}"


@rule(r"(?P<name>_{0,2}[A-Za-z][A-Za-z0-9]{0,40}(?:_{1,2}[A-Za-z0-9]{1,40}){0,10}_{0,2})(?!\w)")
def _snake(match: Match) -> str | None:
    """ "snake_case" -> "snake case"."""
    return identifier(match["name"]) if "_" in match["name"] else None


@rule(r"(?P<path>[A-Za-z_]\w{0,40}(?:\.[A-Za-z_]\w{0,40}){1,6})(?=\()")
def _call(match: Match) -> str:
    """ "os.path.join(" -> "os dot path dot join("."""
    return " dot ".join(identifier(part) for part in match["path"].split("."))


@rule(r"(?P<path>(?:[A-Za-z_][\w-]{0,40}/){1,12}[\w-]{1,60}\.[A-Za-z][A-Za-z0-9]{0,7})(?![\w/])")
def _relative_path(match: Match) -> str:
    """ "src/main.py" -> "src slash main dot py"."""
    return _path(match["path"])


def _path(path: str) -> str:
    spoken = []
    for part in path.split("/"):
        stem, dot, ext = part.rpartition(".")
        if dot and stem:
            spoken.append(f"{identifier(stem)} dot {_extension(ext)}")
        else:
            spoken.append(identifier(part.replace(".", " dot ")))
    return " slash ".join(word for word in spoken if word)


@rule(r"(?<![^\s(\"'“‘])(?P<lead>~|\.{1,2})?(?P<path>(?:/[\w.-]{1,60}){1,12})/?(?![\w/])")
def _absolute_path(match: Match) -> str:
    """ "/etc/hosts" -> "slash etc slash hosts"."""
    path = match["path"]
    stop = "." if path.endswith(".") else ""
    lead = {"~": "home ", "..": "dot dot ", ".": "dot "}.get(match["lead"] or "", "")
    return f"{lead}slash {_path(path.strip('./'))}{stop}"


@rule(r"--?(?P<flag>[A-Za-z][\w-]{0,40})(?!\w)")
def _flag(match: Match) -> str | None:
    """ "--dry-run" -> "dash dash dry run"; a hyphen inside a word is none."""
    if before(match, 1).strip() or not match[0].startswith("--"):
        return None
    return f"dash dash {identifier(match['flag'])}"


AT_WORD = (_relative_path, _file, _call)
SNAKE = (_snake,)
"""Asked later than the others, for it is less sure."""
AT_DOT = (_dot_name,)
AT_SLASH = (_absolute_path, _flag)
