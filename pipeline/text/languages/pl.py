"""Polish: ordinals carry a dot."""

from pipeline.text.languages.model import Language, words

TABLE = Language(
    code="pl",
    titles=words(
        "dr prof hab mgr inż lek ks o św p pani gen płk kpt por mjr al ul pl os im tzw tzn tj np m.in min "
        "ok ew wg ws ds zob itd. red tłum oprac sp zast dyr prez bp abp kard hr śp w/w ww jw"
    ),
    counted=words("nr str s t tom rozdz rys tab art ust pkt poz tel godz lok m"),
    abbreviations=words("z.o.o sp.z.o.o s.a r w n.e p.n.e pn wt śr czw pt sob niedz"),
    closing=words("itd itp etc r.ż tys mln mld zł gr godz"),
    starters=words(
        "to ta ten te ci on ona ono oni one my wy ja ty ale i lub albo potem następnie więc gdy kiedy jeśli "
        "jak co kto gdzie dlaczego dziś jutro wczoraj tu tam tak nie po przed przy w we na z ze do od dla o "
        "za nasz moja mój jest są był była było proszę dziękuję"
    ),
    follow=words(
        "stycznia lutego marca kwietnia maja czerwca lipca sierpnia września października listopada grudnia "
        "wieku miejsce piętro rocznica urodziny klasa rozdział"
    ),
    weak=words(
        "w we na z ze do od dla o za po przed przy przez nad pod między bez i a lub albo oraz ale że żeby "
        "by gdy kiedy jeśli jak co który która które jest są był była było będzie będą może mogą nie się to "
        "ten ta te mój moja twój jego jej nasz ich bardzo tak"
    ),
)
