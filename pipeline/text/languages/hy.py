"""Armenian: the verjaket (also typed as a colon) ends a sentence."""

from pipeline.text.languages.model import Language

TABLE = Language(code="hy")
