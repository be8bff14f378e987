from pipeline.text.languages.model import Language

TABLE = Language(code="fr")
