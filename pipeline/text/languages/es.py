"""Spanish."""

from pipeline.text.languages.model import Language, words

TABLE = Language(
    code="es",
    titles=words(
        "mt sr sra srta sres dr dra d dª dña prof profa ing lic arq gral gob cap cnel tte sto sta fr ee "
        "mons excmo ilmo p.ej p.e ej vs cf aprox máx mín av avda cía depto dpto ud uds vd vds pdte atte fco "
        "mª"
    ),
    counted=words("n.º párr párrf párrs s n° nº núm no pág págs p pp art cap fig vol t tel tfno ext km apdo izq dcha"),
    abbreviations=words(
        "ene feb mar abr may jun jul ago sept sep oct nov dic lun mié jue vie sáb dom ee.uu ee.uu.aa ff.cc "
        "ss.mm s.a s.l s.r.l inc ltd co hnos jr c/ pza ctra"
    ),
    units=words("m km kg cm"),
    closing=words("etc a.m p.m d.c a.c q.e.p.d"),
    starters=words(
        "el la los las un una unos unas lo este esta estos estas ese esa eso aquel él ella ellos ellas yo "
        "tú usted nosotros ustedes pero y o además luego entonces después antes si cuando como por para en "
        "con de del al a qué quién dónde cuándo cómo cuál no sí hoy mañana ayer también así mi su tu "
        "nuestro es son hay fue ya aún aunque mientras gracias"
    ),
    labels=words(
        "plan vitamina opción parte sección grupo tipo clase punto figura tabla anexo apéndice hepatitis equipo "
        "puerta terminal sala modelo versión zona nivel columna"
    ),
    weak=words(
        "el la los las un una unos unas lo de del a al en con sin por para sobre bajo entre desde hasta "
        "hacia según y e o u ni pero que si como cuando donde quien cuyo mi mis tu tus su sus nuestro "
        "nuestra este esta estos estas ese esa es son era fue ha han había puede pueden debe va van ser "
        "estar está están no muy más se me te le les nos yo tú él ella usted"
    ),
)
