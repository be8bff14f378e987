"""What is said of code blocks, formulas and list numbers."""

from __future__ import annotations

from functools import lru_cache

from pipeline.text.normalise.english import numbers
from pipeline.text.normalise.world.icu import plural, spell
from pipeline.text.speech_languages import SpeechLanguage

__all__ = ["announce_code", "announce_formula", "list_prefix"]

_NAMES = {
    "asm": "Assembly",
    "bash": "Bash",
    "c": "C",
    "c#": "C sharp",
    "c++": "C plus plus",
    "cpp": "C plus plus",
    "cs": "C sharp",
    "csharp": "C sharp",
    "css": "CSS",
    "dart": "Dart",
    "diff": "Diff",
    "docker": "Docker",
    "dockerfile": "Docker",
    "f#": "F sharp",
    "fsharp": "F sharp",
    "go": "Go",
    "golang": "Go",
    "graphql": "GraphQL",
    "haskell": "Haskell",
    "hs": "Haskell",
    "html": "HTML",
    "ini": "INI",
    "java": "Java",
    "javascript": "JavaScript",
    "js": "JavaScript",
    "json": "JSON",
    "jsx": "JSX",
    "julia": "Julia",
    "kotlin": "Kotlin",
    "kt": "Kotlin",
    "latex": "LaTeX",
    "lua": "Lua",
    "makefile": "Make",
    "markdown": "Markdown",
    "matlab": "MATLAB",
    "md": "Markdown",
    "mermaid": "Mermaid",
    "objc": "Objective C",
    "perl": "Perl",
    "php": "PHP",
    "powershell": "PowerShell",
    "ps1": "PowerShell",
    "py": "Python",
    "python": "Python",
    "python3": "Python",
    "r": "R",
    "rb": "Ruby",
    "rs": "Rust",
    "ruby": "Ruby",
    "rust": "Rust",
    "scala": "Scala",
    "sh": "Shell",
    "shell": "Shell",
    "sql": "SQL",
    "swift": "Swift",
    "toml": "TOML",
    "ts": "TypeScript",
    "tsx": "TSX",
    "typescript": "TypeScript",
    "vue": "Vue",
    "xml": "XML",
    "yaml": "YAML",
    "yml": "YAML",
    "zig": "Zig",
    "zsh": "Shell",
}


def announce_code(info: str, language: SpeechLanguage) -> str | None:
    """ "python:12" -> "Python code, 12 lines."; None when this language has no words for it."""
    name, _, count = info.rpartition(":")
    lines = int(count) if count.isascii() and count.isdigit() and len(count) < 10 else 0
    if not language.code_block:
        return None
    template = plural(language, lines, "|".join(language.code_block))
    known = _NAMES.get(name.strip().lower())
    if known is None:
        comma = min(at for mark in ",，、،" if (at := template.find(mark)) >= 0)
        template = language.code_word + template[comma:]
    return template.format(name=known, n=lines)


def announce_formula(language: SpeechLanguage) -> str | None:
    """ "A formula."; None when this language has no words for it."""
    words = language.formula
    return f"{words[0].upper()}{words[1:]}{'。' if language.joint == '' else '.'}" if words else None


@lru_cache(1024)
def list_prefix(info: str, language: SpeechLanguage) -> str:
    """ "3" -> "Third: "; "" when there is no number or this language has no words for it."""
    if not (info.isascii() and info.isdigit() and len(info) < 4 and language.list_item):
        return ""
    value = int(info)
    words = numbers.ordinal(value) if language.code == "en" else spell(language, value, language.list_rule)
    return language.list_item.format(ordinal=words[0].upper() + words[1:])
