"""Persian."""

from pipeline.text.languages.model import Language, words

TABLE = Language(
    code="fa",
    titles=words("دکتر مهندس د م ق.م ه.ش ه.ق"),
    counted=words("ص ج ش"),
    weak=words("در از به با برای تا که و یا این آن یک هر چه را بر بی است بود شد خواهد می نمی اگر ولی اما ما شما او"),
)
