"""English."""

from pipeline.text.languages.model import Language, words

TABLE = Language(
    code="en",
    # Titles, ranks and places stand before a name; "e.g." and its kin before what they announce.
    titles=words(
        "dr mr mrs ms mx prof rev fr st mt ft capt cpt cmdr col gen lt sgt maj adm hon gov sen rep pres "
        "supt det insp messrs mmes msgr pvt cpl ste e.g i.e eg ie vs v cf viz approx ca c.f n.b nb"
    ),
    counted=words(
        "c no nos p pp pg pgs vol vols fig figs ch chap sec sect art eq ed ver par para pt pts rm apt ext tel n°"
    ),
    abbreviations=words(
        "co corp inc ltd llc plc bros jr sr esq dept univ assn assoc ave blvd rd st ln hwy cir ct pl jan "
        "feb mar apr jun jul aug sep sept oct nov dec mon tue tues wed thu thur thurs fri sat sun u.s u.k "
        "u.n e.u u.s.a u.s.s.r d.c n.y l.a al et.al ibid op cit est max avg a.k.a"
    ),
    closing=words("etc a.m p.m ph.d m.d b.a m.a b.sc m.sc d.d.s a.d b.c b.c.e c.e r.s.v.p"),
    units=words("oz lb lbs ft in hr hrs min mins sec secs mi km kg cm mm qt gal tbsp tsp yr yrs am pm sq"),
    starters=words(
        "a an the this that these those it its it's he she they we i you i'm i've i'd i'll we're we've "
        "we'll he's she's they're they've you're you'll you've there there's here here's what what's where "
        "where's when why who who's how how's which is are was were do does did has have had can could will "
        "would should may might must let let's if but and or so then now however also after before because "
        "although though while since as at in on for from to with by my your his her our their no not yes "
        "please all some many most each every any both another once today tomorrow yesterday meanwhile "
        "therefore instead finally first next nevertheless great sure okay ok well thanks thank hello hi "
        "sorry perhaps maybe nothing everything something nobody everyone want try don't doesn't didn't isn't aren't "
        "congratulations never always sometimes only that's they'd"
    ),
    names=words("yahoo yum jeopardy joomla"),
    labels=words(
        "plan vitamin vitamins option part section group type grade point figure table appendix hepatitis class "
        "team gate terminal room model version exhibit box hall block zone level phase step platform building "
        "unit series factor item answer column row line side schedule clause"
    ),
    weak=words(
        "a an the this that these those my your his her its our their of to in on at by for from with into "
        "onto over under about as than and or but nor so if because while when where which who whom whose "
        "what how is are was were be been being am do does did has have had can could will would shall "
        "should may might must not no very more most too i you he she it we they mr mrs ms dr per between "
        "among through during without within upon around near some any each every all both either neither "
        "just also only even such i'm you're it's we're they're i've you've we've don't doesn't isn't can't "
        "won't there"
    ),
)
