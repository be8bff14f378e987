"""French."""

from pipeline.text.languages.model import Language, words

TABLE = Language(
    code="fr",
    titles=words(
        "mt m mm mme mmes mlle mlles dr pr me mgr st ste sts prof p.ex c.-à-d c.à.d cf vs av apr env ex "
        "boul bd l.d n.b gén cap col lt sgt cne adj"
    ),
    counted=words("n° no nos p pp art chap fig vol t éd tél tel al sect ch"),
    abbreviations=words(
        "janv févr fév avr juil sept oct nov déc lun mar mer jeu ven sam dim s.a s.a.r.l inc ltd co hab dir dép"
    ),
    closing=words("etc j.-c r.i.p s.v.p c.q.f.d"),
    starters=words(
        "le la les l un une des ce cet cette ces il elle ils elles on nous vous je j tu c'est mais et ou "
        "donc or car puis ensuite alors après avant si quand comme pour dans sur avec en au aux à de du "
        "pourquoi comment qui que quoi où oui non merci voici voilà enfin aujourd'hui demain hier mon ma "
        "mes votre vos notre nos son sa ses"
    ),
    labels=words(
        "plan vitamine option partie section groupe type classe point figure tableau annexe hépatite équipe porte "
        "terminal salle modèle version bâtiment hall zone niveau colonne"
    ),
    weak=words(
        "le la les l' un une des du de d' au aux à en dans sur sous par pour avec sans chez entre vers et "
        "ou mais donc car que qu' qui dont où si comme ce cet cette ces mon ma mes ton ta tes son sa ses "
        "notre nos votre vos leur leurs je tu il elle on nous vous ils elles est sont était a ont avait "
        "peut doit va vont ne n' pas plus très être avoir se s' y quand lorsque"
    ),
)
