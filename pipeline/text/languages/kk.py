"""Kazakh (a few abbreviations only)."""

from pipeline.text.languages.model import Language, words

TABLE = Language(
    code="kk",
    titles=words("проф акад м.а т.б.а обл ауд көш ж т.с.с б.з.б б.з"),
    abbreviations=words("ғ ғғ жж мың млн млрд тг"),
    closing=words("т.б т.с.с"),
)
