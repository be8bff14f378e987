"""English written forms: a finder that stops wherever one may begin, and the rules for each kind of place."""

from __future__ import annotations

from pipeline.text.normalise import rules
from pipeline.text.normalise.edits import Edit
from pipeline.text.normalise.english import (
    abbreviations,
    codes,
    dates,
    maths,
    money,
    names,
    quantities,
    roman,
    times,
    units,
)

__all__ = ["find_edits"]

_FINDER = rules.compiled(rf"""
    (?P<word>(?<![\w.])(?:
        {dates.MONTH}(?:\s\d|\s?[-–,]\s?|\sof\s\d|(?<=\.)\s|(?<=\.)$)
        |(?:Mon|Tues?|Wed|Thurs?|Thu|Fri|Sat|Sun)[-–.,]
        |{abbreviations.WRITTEN}
        |[IVXLCDM]{{1,9}}(?:(?![\w])|(?:st|nd|rd|th)\b)
        |(?:US|AU|CA|NZ|HK|CN|[ACSR])[$¥]|(?:USD|EUR|GBP|JPY|CNY|RMB|INR|CHF|CAD|AUD)\s?\d
        |[CFJGg](?:\#|\+\+)|(?:UTC|GMT)[-+−]|(?:FY|[QH][1-4])\b
        |[A-Za-z]{{1,20}}-?\d|[A-Za-z]{{0,40}}_{{1,2}}\w|[A-Za-z_][\w-]{{0,63}}[./]\w
        |[A-Za-z]\w{{0,30}}\+|[A-Za-z]{{1,8}}[₀-₉]|localhost:\d
        |{units.BARE}
    ))
    |(?P<digit>(?<![^\W_])(?<!\d[.,:/])\d)
    |(?P<money>[-−]?[$€£¥￥₹₩₽₺₿₪₫₦₱฿₴]\s?[-−]?\.?\d)
    |(?P<sign>(?<![\w)\]])[-−+~≈±]\s?(?=\.?\d|[$€£¥])|(?<![\w.])\.(?=\d))
    |(?P<parenthesis>\((?=\d{{2,5}}\))|\[\d)
    |(?P<apostrophe>['’‘]\d\d)
    |(?P<fraction>[½⅓⅔¼¾⅕⅖⅗⅘⅙⅚⅛⅜⅝⅞⅒⅑⅐])
    |(?P<hash>\#\s?\w)
    |(?P<at>@)
    |(?P<slash>(?:~|\.{{1,2}})?/\w|--[A-Za-z])
    |(?P<dot>(?<![\w.])\.[A-Za-z])
    |(?P<operator>\s?(?:[=<>≤≥≠≈≃≡≪≫→⇒⟶➔➜↔⇔←×÷·⋅∗*^+&±]|!=|--?>|\ -\ |-(?=\d{{1,15}}
    (?:\.\d{{1,9}})?\s?=)|\s[-–/]\s)|[⁻⁺]?[⁰¹²³⁴-⁹]|[√π∞©№§™®†‡•▪‣◦⁃])
""")

_RULES = {
    "word": (
        *money.AT_WORD, *dates.AT_WORD, *codes.AT_WORD, *abbreviations.AT_WORD, *units.AT_WORD,
        *names.AT_WORD, *roman.AT_WORD,
    ),
    "digit": (
        *quantities.FIRST, *dates.AT_NUMBER, *codes.AT_NUMBER, *times.AT_NUMBER, *money.AT_NUMBER,
        *units.AT_NUMBER, *maths.AT_NUMBER, *quantities.AT_NUMBER,
    ),
    "money": money.AT_SIGN,
    "sign": (*money.AT_SIGN, *codes.AT_NUMBER, *units.AT_NUMBER, *quantities.AT_SIGN),
    "parenthesis": (*codes.AT_PARENTHESIS,),
    "apostrophe": dates.AT_APOSTROPHE,
    "fraction": quantities.AT_FRACTION,
    "hash": names.AT_HASH,
    "at": names.AT_AT,
    "slash": names.AT_SLASH,
    "dot": names.AT_DOT,
    "operator": maths.AT_OPERATOR,
}  # fmt: skip


def find_edits(text: str) -> list[Edit]:
    """The edits that turn the written forms of an English text into words."""
    return rules.find_edits(text, _FINDER, _RULES)
