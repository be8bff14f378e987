"""Danish (a few abbreviations only): ordinals carry a dot."""

from pipeline.text.languages.model import Language, words

TABLE = Language(
    code="da",
    titles=words("mt dr hr fr frk prof skt st bl.a f.eks fx mht pga ca evt inkl ekskl vedr jf mr mrs ms"),
    counted=words("p n° no nr s kap bd fig art stk tlf kl"),
    abbreviations=words("jan feb mar apr jun jul aug sep okt nov dec a.m p.m inc ltd co u.s.a e.u u.s usa"),
    closing=words("osv etc m.m m.fl mio mia"),
    starters=words("det den de der en et han hun vi jeg du i men og så da når hvis hvad hvem hvor hvordan her nu"),
    follow=words("januar februar marts april maj juni juli august september oktober november december"),
)
