"""Ukrainian (a few abbreviations only)."""

from pipeline.text.languages.model import Language, words

TABLE = Language(
    code="uk",
    titles=words(
        "п пп проф акад доц д-р ім св т.зв напр див пор вул просп пл пров бульв м с смт р о обл р-н журн "
        "вид чл стор тов гр ін ред"
    ),
    counted=words("стор с гл п ст № рис табл тел кв буд год хв"),
    abbreviations=words("рр ст н.е грн коп тис млн млрд год хв сек кг км см мм"),
    closing=words("т.д т.п ін"),
)
