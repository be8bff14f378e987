"""Portuguese."""

from pipeline.text.languages.model import Language, words

TABLE = Language(
    code="pt",
    titles=words(
        "sr sra srs sras srta dr dra drs prof profa eng arq adv exmo exma ilmo d dom pe fr sto sta gen cel "
        "cap ten sgt p.ex ex vs cf aprox av r al pç rod trav dept depto máx mín"
    ),
    counted=words("n.º n° nº núm no pág págs p pp art cap fig vol t tel ext km"),
    abbreviations=words(
        "jan fev mar abr mai jun jul ago set out nov dez seg ter qua qui sex sáb dom ltda cia s.a inc eua e.u.a jr bros"
    ),
    closing=words("etc a.m p.m d.c a.c"),
    starters=words(
        "o a os as um uma uns umas este esta estes estas esse essa isso aquele ele ela eles elas eu tu você "
        "vocês nós mas e ou depois então antes se quando como por para em no na com de do da ao à que quem "
        "onde não sim hoje amanhã ontem também assim meu minha seu sua nosso é são há foi já ainda embora "
        "enquanto obrigado"
    ),
    labels=words(
        "plano vitamina opção parte seção secção grupo tipo classe ponto figura tabela apêndice anexo hepatite "
        "equipe portão terminal sala modelo versão zona"
    ),
    weak=words(
        "o a os as um uma uns umas de do da dos das em no na nos nas ao à aos às por pelo pela para com sem "
        "sob sobre entre até desde e ou mas que se como quando onde quem meu minha teu tua seu sua nosso "
        "nossa este esta esse essa é são era foi há pode podem deve vai vão ser estar está não muito mais "
        "me te lhe eu tu ele ela você"
    ),
)
