"""Irregular English inflection as data: verbs, nouns and adjectives, and spellings that no rule covers.

Facts of English grammar; the selection is our own.
"""

from __future__ import annotations

from collections.abc import Mapping

# Verb, past, participle; forms after a slash are only recognised, not generated.
_VERBS = """
abide abode abode; arise arose arisen; awake awoke awoken; bear bore borne; beat beat beaten; become became become
befall befell befallen; begin began begun; behold beheld beheld; bend bent bent; bet bet bet; bid bid bid
bind bound bound; bite bit bitten; bleed bled bled; blow blew blown; break broke broken; breed bred bred
bring brought brought; broadcast broadcast broadcast; build built built; burn burned/burnt burned/burnt
burst burst burst; buy bought bought; cast cast cast; catch caught caught; choose chose chosen; cling clung clung
come came come; cost cost cost; creep crept crept; cut cut cut; deal dealt dealt; dig dug dug; do did done
draw drew drawn; dream dreamed/dreamt dreamed/dreamt; drink drank drunk; drive drove driven
dwell dwelt/dwelled dwelt/dwelled; eat ate eaten; fall fell fallen; feed fed fed; feel felt felt; fight fought fought
find found found; flee fled fled; fling flung flung; fly flew flown; forbid forbade forbidden
forecast forecast forecast; foresee foresaw foreseen; foretell foretold foretold; forget forgot forgotten
forgive forgave forgiven; forgo forwent forgone; forsake forsook forsaken; freeze froze frozen; get got got/gotten
give gave given; go went gone; grind ground ground; grow grew grown; hang hung hung; have had had; hear heard heard
hide hid hidden; hit hit hit; hold held held; hurt hurt hurt; keep kept kept; kneel knelt/kneeled knelt/kneeled
knit knit/knitted knit/knitted; know knew known; lay laid laid; lead led led; lean leaned/leant leaned/leant
leap leaped/leapt leaped/leapt; learn learned/learnt learned/learnt; leave left left; lend lent lent; let let let
lie lay lain; light lit/lighted lit/lighted; lose lost lost; make made made; mean meant meant; meet met met
mislead misled misled; mistake mistook mistaken; misunderstand misunderstood misunderstood; mow mowed mown/mowed
offset offset offset; outbid outbid outbid; outdo outdid outdone; outgrow outgrew outgrown; outrun outran outrun
outsell outsold outsold; overcome overcame overcome; overdo overdid overdone; overhear overheard overheard
override overrode overridden; overrun overran overrun; oversee oversaw overseen; overtake overtook overtaken
overthrow overthrew overthrown; partake partook partaken; pay paid paid; plead pleaded/pled pleaded/pled
prove proved proven/proved; put put put; quit quit quit; read read read; rebuild rebuilt rebuilt; redo redid redone
remake remade remade; repay repaid repaid; rend rent rent; reset reset reset; rethink rethought rethought
retell retold retold; rewrite rewrote rewritten; rid rid rid; ride rode ridden; ring rang rung; rise rose risen
run ran run; saw sawed sawn/sawed; say said said; see saw seen; seek sought sought; sell sold sold; send sent sent
set set set; sew sewed sewn/sewed; shake shook shaken; shear sheared shorn/sheared; shed shed shed
shine shone/shined shone/shined; shoot shot shot; show showed shown/showed; shrink shrank shrunk; shut shut shut
sing sang sung; sink sank sunk; sit sat sat; slay slew slain; sleep slept slept; slide slid slid; sling slung slung
slit slit slit; smell smelled/smelt smelled/smelt; sneak sneaked/snuck sneaked/snuck; sow sowed sown/sowed
speak spoke spoken; speed sped sped; spell spelled/spelt spelled/spelt; spend spent spent
spill spilled/spilt spilled/spilt; spin spun spun; spit spat spat; split split split
spoil spoiled/spoilt spoiled/spoilt; spread spread spread; spring sprang sprung; stand stood stood; steal stole stolen
stick stuck stuck; sting stung stung; stink stank stunk; stride strode stridden; strike struck struck
string strung strung; strive strove striven; swear swore sworn; sweep swept swept; swell swelled swollen/swelled
swim swam swum; swing swung swung; take took taken; teach taught taught; tear tore torn; tell told told
think thought thought; throw threw thrown; thrust thrust thrust; tread trod trodden; undergo underwent undergone
understand understood understood; undertake undertook undertaken; undo undid undone; uphold upheld upheld
upset upset upset; wake woke woken; wear wore worn; weave wove woven; weep wept wept; wet wet wet; win won won
wind wound wound; withdraw withdrew withdrawn; withhold withheld withheld; withstand withstood withstood
wring wrung wrung; write wrote written
"""

Spellings = tuple[str, ...]

PAST: Mapping[str, tuple[Spellings, Spellings]] = {
    verb: (tuple(past.split("/")), tuple(participle.split("/")))
    for line in _VERBS.strip().split("\n")
    for verb, past, participle in (entry.split() for entry in line.split(";"))
}

THIRD: Mapping[str, str] = {"have": "has", "do": "does", "go": "goes"}

_PLURALS = """
man men; woman women; child children; foot feet; tooth teeth; goose geese; mouse mice; louse lice; ox oxen; die dice
penny pence/pennies; calf calves; elf elves; half halves; hoof hooves/hoofs; knife knives; leaf leaves; life lives
loaf loaves; scarf scarves/scarfs; self selves; sheaf sheaves; shelf shelves; thief thieves; wife wives; wolf wolves
wharf wharves; midwife midwives; housewife housewives; alumnus alumni; bacillus bacilli; cactus cacti; focus foci
fungus fungi; nucleus nuclei; radius radii; stimulus stimuli; syllabus syllabi; terminus termini; bacterium bacteria
curriculum curricula; datum data; erratum errata; medium media; memorandum memoranda; millennium millennia
referendum referendums/referenda; stadium stadiums/stadia; stratum strata; symposium symposia; spectrum spectra
criterion criteria; phenomenon phenomena; automaton automata; alga algae; antenna antennae; formula formulas/formulae
larva larvae; vertebra vertebrae; nebula nebulae; appendix appendices; index indexes/indices; matrix matrices
vertex vertices; axis axes; crisis crises; oasis oases; genus genera; corpus corpora; opus opuses; quiz quizzes
passer-by passers-by; passerby passersby; brother-in-law brothers-in-law; stomach stomachs; monarch monarchs
patriarch patriarchs; epoch epochs; eunuch eunuchs; loch lochs; bureau bureaus/bureaux; chateau chateaux
tableau tableaux; plateau plateaus/plateaux; echo echoes; hero heroes; potato potatoes; tomato tomatoes; veto vetoes
torpedo torpedoes; embargo embargoes; cargo cargoes/cargos; mosquito mosquitoes; volcano volcanoes/volcanos
buffalo buffaloes/buffalo; tornado tornadoes/tornados; domino dominoes; motto mottoes/mottos
"""

PLURAL: Mapping[str, Spellings] = {
    noun: tuple(plural.split("/"))
    for line in _PLURALS.strip().split("\n")
    for noun, plural in (entry.split() for entry in line.split(";"))
}

UNCHANGED_PLURALS = frozenset(
    """
    aircraft bison chassis cod corps craft crossroads deer elk fish gallows headquarters hovercraft means moose
    offspring salmon series sheep shrimp spacecraft species swine trout watercraft barracks works
    """.split()  # noqa: SIM905
)

# Nouns without a common plural.
UNCOUNTABLE = frozenset(
    """
    advice aggression air anger applause arithmetic assistance baggage beef behaviour behavior blood bravery bread
    butter cash chaos chess clothing coal coffee confidence corn cotton courage cutlery damage darkness data democracy
    dust economics education electricity employment energy enjoyment enthusiasm equipment evidence existence expertise
    electronics fame fun furniture gold grass gratitude greed guilt happiness hardware harm hatred health help
    homework honesty hunger imagination independence information intelligence jealousy jewellery jewelry justice
    knowledge labour labor laughter leisure linguistics loneliness luck luggage machinery mathematics merchandise
    money mud music news nonsense obesity oil overtime oxygen patience permission petrol physics poetry politics
    pollution poverty pride produce progress publicity rain relaxation research rice rubbish safety sand scenery
    seafood shopping silence silver slang smoke snow software stuff sugar sunshine tea tennis timber tolerance trade
    traffic transport transportation trash travel trust violence wealth weather wheat wildlife wisdom wood wool work
    """.split()  # noqa: SIM905
)

COUNTED_IN_NESS = frozenset(
    """
    business governess harness illness kindness lioness likeness sickness weakness wilderness witness
    """.split()  # noqa: SIM905
)

COMPARED: Mapping[str, tuple[str, str]] = {
    "good": ("better", "best"), "well": ("better", "best"), "bad": ("worse", "worst"), "badly": ("worse", "worst"),
    "ill": ("worse", "worst"), "far": ("further", "furthest"), "little": ("less", "least"), "many": ("more", "most"),
    "much": ("more", "most"),
}  # fmt: skip

# Verbs of several syllables that double their last letter: occur, occurred.
DOUBLING = frozenset(
    """
    abet abhor abut acquit admit allot annul anagram appal aver befit beget begin bedim commit compel concur confer
    control corral debug defer demur deter dispel embed emit enrol equip excel expel extol format forget handicap
    humbug impel incur inter infer input kidnap occur offset omit output overlap patrol permit prefer program propel
    rebel rebut recur refer refit regret remit repel submit transfer transmit transship unplug upset worship zigzag
    """.split()  # noqa: SIM905
)
