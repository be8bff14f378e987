"""Arabic: its own question mark, comma and semicolon; no capitals, so abbreviations are the only doubt."""

from pipeline.text.languages.model import Language, words

TABLE = Language(
    code="ar",
    titles=words("د أ م أ.د ا.د ص.ب ج ت ق.م ب.م هـ"),
    counted=words("ص رقم ج ط"),
    weak=words(
        "في من إلى على عن مع بين حتى منذ عند أو أن إن لا ما لم لن قد هل هو هي هذا هذه ذلك تلك التي الذي كل بعد قبل ثم"
    ),
)
