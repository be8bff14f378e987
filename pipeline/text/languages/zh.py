"""Chinese: full stops need no space after them, and there are no words between spaces to breathe at."""

from pipeline.text.languages.model import Language

TABLE = Language(code="zh")
