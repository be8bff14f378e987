"""Japanese: as Chinese; a quotation that goes on (「…。」と) is the scanner's."""

from pipeline.text.languages.model import Language

TABLE = Language(code="ja")
