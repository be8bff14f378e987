"""Bulgarian (a few abbreviations only)."""

from pipeline.text.languages.model import Language, words

TABLE = Language(
    code="bg",
    titles=words("др г-н г-жа проф инж пл ул бул гр с св напр т.е т.н вж ген"),
    counted=words("стр с т чл бр"),
    abbreviations=words("г гг в вв лв ч"),
    closing=words("т.н"),
)
