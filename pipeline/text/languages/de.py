"""German: nouns are capitals, so a capital says little; ordinals carry a dot."""

from pipeline.text.languages.model import Language, words

TABLE = Language(
    code="de",
    titles=words(
        "dr prof lt hr hrn fr frl st ing dipl mag med rer jur phil habil hc h.c msgr bgm kard art bzgl bzw "
        "ca d.h dh evtl ggf ggfs inkl exkl kath ev lfd max min mind mtl jährl nördl südl östl westl o.g s.o "
        "s.u sog sogen u.a u.ä u.u v.a vgl vs z.b zb z.t z.z z.zt zzgl abzgl geb gest verh i.d.r i.a i.v "
        "i.h.v m.e u.e v.chr n.chr dipl.-ing univ.-prof einschl gem gez urspr allg bes entspr ehem amtl dt "
        "engl frz lat österr schweiz"
    ),
    counted=words("nr nrn s bd bde kap abb abs art aufl tel tab jg str ziff zif §"),
    abbreviations=words(
        "mio mrd tsd str jan feb mär apr jun jul aug sep sept okt nov dez mo di mi do fr sa so co ltd inc "
        "corp jr sr usa"
    ),
    closing=words("usw etc usf u.s.w dgl dergl ff u.v.m uvm u.ä.m o.ä e.v a.d m.w z.hd"),
    starters=words(
        "der die das den dem des ein eine einen einem einer er sie es wir ich du ihr man dies diese dieser "
        "dieses dann danach aber und oder doch wenn weil als wie was wer wo wann warum nun jetzt heute "
        "morgen gestern hier dort da so auch nach vor bei mit in im am an auf für von zu bis seit jedoch "
        "deshalb daher trotzdem außerdem ja nein bitte danke kein keine mein meine sein seine unser alle "
        "viele einige jeder jede es's hat ist sind war kann können soll möchten haben welche welcher zum "
        "zur beim"
    ),
    follow=words(
        "fc sc tsv sv vfl vfb fsv januar jänner februar märz april mai juni juli august september oktober "
        "november dezember jan feb mär apr jun jul aug sep sept okt nov dez jahrhundert jahrhunderts jh "
        "jahrtausend jahrestag geburtstag hochzeitstag platz stock stockwerk etage klasse kapitel mal tag "
        "woche monat quartal halbjahr jahr bundesliga liga weltkrieg weltkriegs stelle runde minute stunde "
        "teil auflage band semester schritt punkt spieltag grad bezirk person armee sinfonie symphonie"
    ),
    articles=words("am im zum zur vom beim der die das dem den des jedes jeder jeden mein dein sein ihr unser"),
    endings=("str",),  # "Goethestr. 12"
    labels=words(
        "plan vitamin option teil gruppe typ klasse punkt abbildung tabelle anhang abschnitt halle block zone "
        "stufe variante hepatitis version gebäude antwort spalte linie"
    ),
    weak=words(
        "der die das den dem des ein eine einen einem einer eines mein meine dein deine sein seine ihr ihre "
        "unser unsere in im an am auf aus bei beim mit nach von vom vor zu zum zur für gegen ohne um durch "
        "über unter zwischen und oder aber dass weil wenn als ob wie ist sind war waren hat haben hatte "
        "wird werden wurde kann können muss müssen soll sollen darf will möchte nicht kein keine sehr so "
        "ich du er sie es wir man diese dieser dieses welche jede jeder noch nur auch bis seit pro"
    ),
)
