"""Italian."""

from pipeline.text.languages.model import Language, words

TABLE = Language(
    code="it",
    titles=words(
        "d.lgs d.l d.m d.p.r sig sigg sig.ra sig.na dott dott.ssa dr dr.ssa prof prof.ssa ing avv arch geom "
        "rag on sen mons don s ss st spett egr gent gent.mo gent.ma ill.mo dir amm pres gen col cap ten "
        "magg psicol p.es es ad.es cfr vs ca all c.a c.so v.le p.za p.zza via cav comm uff"
    ),
    counted=words("n nn n° num pag pagg p pp art artt cap fig figg vol tab tel cell lett co c"),
    abbreviations=words(
        "gen feb mar apr mag giu lug ago set sett ott nov dic lun mer gio ven sab dom s.p.a s.r.l s.n.c inc "
        "ltd fatt rif prot tit"
    ),
    closing=words("ecc etc a.c d.c p.s u.s.a"),
    starters=words(
        "il lo la i gli le un uno una l questo questa questi quello quella lui lei loro noi voi io tu ma e "
        "o poi quindi dopo prima se quando come perché per in con di da del della al alla chi che cosa dove "
        "non sì no oggi domani ieri anche così mio tuo suo nostro è sono c'è ecco grazie allora infine "
        "inoltre"
    ),
    labels=words(
        "piano vitamina opzione parte sezione gruppo tipo classe punto figura tabella appendice epatite squadra "
        "terminal sala modello versione zona livello gate"
    ),
    weak=words(
        "il lo la i gli le l' un uno una un' di a da in con su per tra fra del dello della dei degli delle "
        "al allo alla ai agli alle dal dalla nel nella nei nelle sul sulla e ed o ma che chi se come quando "
        "dove mio mia tuo tua suo sua nostro vostro loro questo questa è sono era ha hanno può deve non più "
        "molto si mi ti ci vi io tu lui lei noi voi"
    ),
)
