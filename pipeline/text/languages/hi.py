"""Hindi: the danda ends a sentence; a dot mostly belongs to an abbreviation."""

from pipeline.text.languages.model import Language, words

TABLE = Language(
    code="hi",
    titles=words("डॉ डा श्री श्रीमती सुश्री प्रो पं मो स्व कु इंजी ई.पू ए.पी.जे बी.आर"),
    counted=words("पृ सं क्र नं"),
    weak=words("का की के को से में पर ने और या तथा एक यह वह ये वे कि जो तो ही भी बहुत अपने मेरे आपके हमारे लिए साथ तक"),
)
