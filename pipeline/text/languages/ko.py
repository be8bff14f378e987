"""Korean: Western full stops and spaces, no capitals; endings and particles stand behind the word, not alone."""

from pipeline.text.languages.model import Language, words

TABLE = Language(
    code="ko",
    weak=words("그 이 저 한 두 세 네 및 또는 그리고 하지만 더 가장 매우 아주 안 못 약 총 각 제"),
)
