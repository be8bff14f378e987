"""English."""

from pipeline.text.speech_languages.model import SpeechLanguage

LANGUAGE = SpeechLanguage(
    code="en",
    code_block=("{name} code, {n} line.", "{name} code, {n} lines."),
    code_word="Code",
    formula="a formula",
    list_item="{ordinal}: ",
    dot="dot",
    at="at",
    dash="dash",
    underscore="underscore",
    plus="plus",
    slash="slash",
)
