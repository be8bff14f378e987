"""Dutch."""

from pipeline.text.languages.model import Language, words

TABLE = Language(
    code="nl",
    titles=words(
        "dhr mevr mw mej dr drs ir ing mr prof ds past st sint bijv bv b.v d.w.z dwz o.a oa m.b.t mbt t.a.v "
        "tav t.o.v i.p.v ipv m.a.w i.v.m incl excl ca resp vgl evt nl zgn z.g.a.n vs gem max min ong gebr"
    ),
    counted=words("nr nrs p pag blz art afb fig hfst vol dl tel"),
    abbreviations=words(
        "jan feb mrt apr jun jul aug sep sept okt nov dec ma di wo do vr za zo n.v nv inc ltd co jr sr str"
    ),
    closing=words("enz etc e.d e.a n.chr v.chr mln mld a.u.b"),
    starters=words(
        "de het een dit dat deze die hij zij ze wij we ik jij je u er maar en of dan daarna toen als omdat "
        "hoe wat wie waar wanneer waarom nu vandaag morgen gisteren hier daar zo ook na voor bij met in op "
        "aan van naar om ja nee mijn uw zijn haar ons onze is was kan laat eerst"
    ),
    labels=words(
        "plan vitamine optie deel sectie groep type klasse punt figuur tabel bijlage hepatitis team gate terminal "
        "zaal model versie zone"
    ),
    weak=words(
        "de het een dit dat deze die mijn jouw uw zijn haar ons onze hun van in op aan bij met naar voor "
        "uit over onder tegen door om tot en of maar als omdat hoe wat wie waar is was waren heeft hebben "
        "had kan kunnen moet moeten zal zullen wordt worden niet geen heel zeer te ik jij je hij zij ze wij "
        "we u er per"
    ),
)
