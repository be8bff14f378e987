"""Slovak (a few abbreviations only): ordinals carry a dot."""

from pipeline.text.languages.model import Language, words

TABLE = Language(
    code="sk",
    titles=words("p pp pí dr prof doc ing mgr mudr judr phdr rndr sv gen napr tzn tzv t.j resp vid a.i i i. ul nám"),
    counted=words("č str s čl ods tel obr tab"),
    abbreviations=words("s.r.o a.s spol r.o o v.o.s"),
    closing=words("atď apod a.pod"),
    follow=words(
        "januára februára marca apríla mája júna júla augusta septembra októbra novembra decembra január "
        "február marec apríl máj jún júl august september október november december storočia storočie pluku "
        "ročník miesto"
    ),
)
