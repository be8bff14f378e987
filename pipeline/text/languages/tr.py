"""Turkish: ordinals carry a dot."""

from pipeline.text.languages.model import Language, words

TABLE = Language(
    code="tr",
    titles=words(
        "dr prof doç yrd av op uzm sn st alb gen yzb müh mim ecz hz bkz örn vs. yy yak krş çev haz mah cad "
        "sok sk apt blv kr şb"
    ),
    counted=words("no nu s ss sf cilt c böl md tel şek tab kat"),
    abbreviations=words("t.c a.ş ltd şti inc ml oc şub mar nis may haz tem ağu eyl eki kas ara ö m.ö m.s"),
    closing=words("vb vs vd etc"),
    starters=words(
        "bu şu o bir ben sen biz siz onlar ama ve veya sonra önce çünkü eğer nasıl ne kim nerede neden "
        "bugün yarın dün evet hayır her bazı çok daha şimdi burada orada ayrıca ancak"
    ),
    follow=words(
        "ocak şubat mart nisan mayıs haziran temmuz ağustos eylül ekim kasım aralık yüzyıl yüzyılda "
        "yüzyılın sınıf kat bölüm sıra gün hafta ay dünya cadde sokak"
    ),
    weak=words(
        "bir bu şu ve veya ile için gibi kadar daha en çok her bazı hiç değil ama ki de da mi mı mu mü ben sen o"
    ),
)
