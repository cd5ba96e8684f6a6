"""Words of each language for the rules of ``statements``: months, numbers, function words, abbreviations.

English, German, French and Spanish have all of them; Chinese has numerals and dates (``numerals``, ``dates``). A text
in another language still has digits, ISO dates, quotations, names and sentences.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Literal

import regex

from halluc.data.tokenization import Tokenizer
from halluc.gap.stopwords import STOP_WORDS

_TOKENIZER = Tokenizer()
_POSSESSIVE = regex.compile(r"(?<=[\p{L}\p{N}])['’]s?(?![\p{L}\p{N}])")
# Longer words are not normalised, because the normalisation of combining marks takes quadratic time.
_LONGEST_FOLDED = 200


@lru_cache(maxsize=1 << 10)
def folded_words(text: str) -> tuple[str, ...]:
    """The words without case, accents, punctuation and possessive `'s`; each Chinese character is a word."""
    tokens = _TOKENIZER.tokens(_POSSESSIVE.sub(" ", text))
    return tuple(word for token in tokens if (word := _folded(token)))


def ngrams(words: Sequence[str], size: int) -> Iterator[tuple[str, ...]]:
    """The n-grams of ``size`` words, in order."""
    return zip(*(words[start:] for start in range(size)), strict=False)


def _folded(token: str) -> str:
    if token.isascii():
        return token.lower() if token.isalnum() else "".join(filter(str.isalnum, token)).lower()
    if len(token) > _LONGEST_FOLDED:
        return token.casefold()
    return "".join(filter(str.isalnum, unicodedata.normalize("NFKD", token.casefold())))


Language = Literal["en", "de", "fr", "es", "zh", "other"]
LANGUAGES: tuple[Language, ...] = ("en", "de", "fr", "es", "zh", "other")


def _numbered(words: str, first: int = 1) -> dict[str, int]:
    """The number of each word, from ``first``; words for the same number are separated by ``/``, ``-`` is none."""
    forms = enumerate((word.split("/") for word in words.split()), first)
    return {form: number for number, several in forms for form in several if form != "-"}


def _units(days: str, weeks: str, months: str, years: str, hours: str, minutes: str, seconds: str) -> dict[str, str]:
    each = zip(
        (days, weeks, months, years, hours, minutes, seconds), ("D", "W", "M", "Y", "TH", "TM", "TS"), strict=True
    )
    return {word: letter for words, letter in each for word in words.split("/")}


def _set_of(words: str) -> frozenset[str]:
    return frozenset(words.split())


@dataclass(frozen=True)
class LanguageWords:
    """Words are lower-case. ``comma``: the decimal separator is a comma. ``units`` maps units of time to the letter of
    ISO 8601 durations, with a T for times of day."""

    months: Mapping[str, int] = field(default_factory=dict)
    weekdays: Mapping[str, int] = field(default_factory=dict)
    numbers: Mapping[str, int] = field(default_factory=dict)
    ordinals: Mapping[str, int] = field(default_factory=dict)
    scales: Mapping[str, int] = field(default_factory=dict)
    units: Mapping[str, str] = field(default_factory=dict)
    joints: frozenset[str] = frozenset()
    function: frozenset[str] = frozenset()
    abbreviations: frozenset[str] = frozenset()
    particles: frozenset[str] = frozenset()
    ambiguous: frozenset[str] = frozenset()
    comma: bool = False
    nouns_are_capitalised: bool = False


_TEENS_EN = "ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen"
_EN = LanguageWords(
    months=_numbered(
        "january/jan february/feb march/mar april/apr may june/jun july/jul august/aug september/sept/sep october/oct "
        "november/nov december/dec"
    ),
    weekdays=_numbered("monday tuesday wednesday thursday friday saturday sunday"),
    numbers=_numbered("zero one two three four five six seven eight nine " + _TEENS_EN, 0)
    | {"twenty": 20, "thirty": 30, "forty": 40, "fifty": 50, "sixty": 60, "seventy": 70, "eighty": 80, "ninety": 90,
       "dozen": 12},
    ordinals=_numbered(
        "first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth thirteenth fourteenth "
        "fifteenth sixteenth seventeenth eighteenth nineteenth twentieth"
    )
    | {"thirtieth": 30, "fortieth": 40, "fiftieth": 50, "sixtieth": 60, "hundredth": 100},
    scales={"hundred": 100, "thousand": 1000, "million": 10**6, "billion": 10**9, "trillion": 10**12, "m": 10**6,
            "mn": 10**6, "bn": 10**9, "k": 1000, "tn": 10**12},
    units=_units("day/days", "week/weeks", "month/months", "year/years", "hour/hours", "minute/minutes",
                 "second/seconds"),
    joints=frozenset({"and"}),
    function=_set_of(
        """a an the this that these those and or nor but if as than so because while although though whether of in on at
        by for from to with without into onto upon over under above below between among through during before after
        against about across along around behind beside besides beyond near off out up down within toward towards until
        till since per via i me my mine we us our ours you your yours he him his she her hers it its they them their
        theirs who which what whose whom where when why how there here is are was were am be been being has have had do
        does did will would can could should shall may might must not no any some each every both all such own too very
        just also only then now yes well oh ok okay hello hi please thanks"""
    ),
    abbreviations=_set_of(
        "mr mrs ms dr prof rev gen col lt sgt capt gov sen rep hon st jr sr vs etc inc ltd co corp no nos vol pp ed "
        "e.g i.e dept est fig insp ch supt cf al u.s u.k a.m p.m jan feb mar apr jun jul aug sep sept oct nov dec"
    ),
    particles=_set_of("of de la van von der den du del da di al bin ibn el le dos y"),
    ambiguous=frozenset({"may", "march", "mar", "mon", "sat", "sun", "wed", "dec", "jan"}),
)  # fmt: skip
_DE = LanguageWords(
    months=_numbered(
        "januar/jänner/jan februar/feber/feb märz/mär april/apr mai juni/jun juli/jul august/aug september/sept/sep "
        "oktober/okt november/nov dezember/dez"
    ),
    weekdays=_numbered("montag dienstag mittwoch donnerstag freitag samstag/sonnabend sonntag"),
    numbers=_numbered(
        "null eins/ein/eine/einen/einem/einer/eines zwei/zwo drei vier fünf sechs sieben acht neun zehn elf zwölf "
        "dreizehn vierzehn fünfzehn sechzehn siebzehn achtzehn neunzehn zwanzig",
        0,
    )
    | {"dreißig": 30, "dreissig": 30, "vierzig": 40, "fünfzig": 50, "sechzig": 60, "siebzig": 70, "achtzig": 80,
       "neunzig": 90, "dutzend": 12},
    ordinals={
        stem + end: number
        for stem, number in _numbered(
            "erste zweite dritte vierte fünfte sechste siebte/siebente achte neunte zehnte elfte zwölfte"
        ).items()
        for end in ("", "r", "s", "n", "m")
    },
    scales={"hundert": 100, "tausend": 1000, "million": 10**6, "millionen": 10**6, "milliarde": 10**9,
            "milliarden": 10**9, "billion": 10**12, "billionen": 10**12, "mio": 10**6, "mrd": 10**9},
    units=_units(
        "tag/tage/tagen", "woche/wochen", "monat/monate/monaten",
        "jahr/jahre/jahren/jährig/jährige/jähriger/jährigen/jähriges/jährigem", "stunde/stunden", "minute/minuten",
        "sekunde/sekunden",
    ),
    joints=frozenset({"und"}),
    function=_set_of(
        """der die das den dem des ein eine einen einem einer eines kein keine und oder aber wenn als weil dass daß ob
        während obwohl von in im an am auf bei für aus zu zum zur mit ohne über unter zwischen durch vor nach gegen um
        seit bis ich mich mir mein meine wir uns unser unsere du dich dir dein sie ihr ihre ihren er ihn ihm sein seine
        es wer was wie wo wann warum welche welcher hier da dort ist sind war waren bin sein wird werden wurde wurden
        hat haben hatte hatten kann können soll sollte muss muß müssen darf will nicht auch nur noch schon sehr so dann
        jetzt ja nein man sich diese dieser dieses diesen diesem alle alles
        ihnen ihrem ihrer ihres einige neben doch viele wenn wir"""
    ),
    abbreviations=_set_of(
        "dr prof hr fr nr bzw usw z.b d.h u.a ca etc vgl str st abs art inkl ggf mio mrd evtl sog jh tel bspw "
        "jan feb mär apr jun jul aug sep sept okt nov dez z d u b a h v s"),
    particles=_set_of("von van de la di bin al"),
    ambiguous=frozenset({"ein", "eine", "einen", "einem", "einer", "eines", "eins", "acht", "mär"}),
    comma=True,
    nouns_are_capitalised=True,
)  # fmt: skip
_FR = LanguageWords(
    months=_numbered(
        "janvier/janv février/févr mars avril/avr mai juin juillet/juil août septembre/sept octobre/oct novembre/nov "
        "décembre/déc"
    ),
    weekdays=_numbered("lundi mardi mercredi jeudi vendredi samedi dimanche"),
    numbers=_numbered(
        "zéro un/une deux trois quatre cinq six sept huit neuf dix onze douze treize quatorze quinze seize - - - "
        "vingt/vingts",
        0,
    )
    | {"trente": 30, "quarante": 40, "cinquante": 50, "soixante": 60, "septante": 70, "octante": 80, "huitante": 80,
       "nonante": 90, "douzaine": 12},
    ordinals=_numbered(
        "premier/première deuxième/second/seconde troisième quatrième cinquième sixième septième huitième neuvième "
        "dixième"
    ),
    scales={"cent": 100, "cents": 100, "mille": 1000, "million": 10**6, "millions": 10**6, "milliard": 10**9,
            "milliards": 10**9, "billion": 10**12, "billions": 10**12},
    units=_units("jour/jours", "semaine/semaines", "mois", "an/ans/année/années", "heure/heures", "minute/minutes",
                 "seconde/secondes"),
    joints=frozenset({"et"}),
    function=_set_of(
        """le la les l un une des du de d au aux et ou mais donc or ni car si que qu quand comme lorsque puisque parce
        dans en sur sous par pour avec sans chez vers entre avant après depuis pendant contre je j me m mon ma mes nous
        notre nos vous votre vos tu te t ton ta tes il elle on ils elles se s son sa ses leur leurs lui y ce c cet cette
        ces qui quoi dont où est sont était étaient être été ai as a avons avez ont avait avaient avoir fait peut doit
        ne n pas plus non oui très aussi ainsi alors ici là tout tous toute toutes"""
    ),
    abbreviations=_set_of("m mm mme mlle dr me st ste etc cf p.ex env art vol janv févr avr juil sept oct nov déc"),
    particles=_set_of("de du des la le d van von der den al ben"),
    ambiguous=frozenset({"un", "une", "second", "seconde", "neuf", "mai", "sept"}),
    comma=True,
)  # fmt: skip
_ES = LanguageWords(
    months=_numbered(
        "enero/ene febrero/feb marzo/mar abril/abr mayo junio/jun julio/jul agosto/ago septiembre/setiembre/sept "
        "octubre/oct noviembre/nov diciembre/dic"
    ),
    weekdays=_numbered("lunes martes miércoles jueves viernes sábado domingo"),
    numbers=_numbered(
        "cero uno/un/una dos tres cuatro cinco seis siete ocho nueve diez once doce trece catorce quince dieciséis "
        "diecisiete dieciocho diecinueve veinte veintiuno/veintiún/veintiuna veintidós veintitrés veinticuatro "
        "veinticinco veintiséis veintisiete veintiocho veintinueve treinta",
        0,
    )
    | {"cuarenta": 40, "cincuenta": 50, "sesenta": 60, "setenta": 70, "ochenta": 80, "noventa": 90, "docena": 12}
    | {
        stem + end: 100 * number
        for stem, number in {"doscient": 2, "trescient": 3, "cuatrocient": 4, "quinient": 5, "seiscient": 6,
                             "setecient": 7, "ochocient": 8, "novecient": 9}.items()
        for end in ("os", "as")
    },
    ordinals=_numbered(
        "primero/primer/primera segundo/segunda tercero/tercer/tercera cuarto/cuarta quinto/quinta sexto/sexta "
        "séptimo/séptima octavo/octava noveno/novena décimo/décima"
    ),
    scales={"cien": 100, "ciento": 100, "mil": 1000, "millón": 10**6, "millones": 10**6, "billón": 10**12,
            "billones": 10**12},
    units=_units("día/días", "semana/semanas", "mes/meses", "año/años", "hora/horas", "minuto/minutos",
                 "segundo/segundos"),
    joints=frozenset({"y"}),
    function=_set_of(
        """el la los las un una unos unas de del al y e o u pero si que cuando como porque aunque en con por para sin
        sobre bajo entre hasta desde hacia según durante contra tras yo me mi mis nosotros nos nuestro nuestra tú te tu
        tus usted ustedes él ella ello ellos ellas se su sus lo le les quien quién qué cuál dónde este esta esto estos
        estas ese esa eso esos esas aquel aquella es son era eran ser sido está están fue fueron hay ha han había
        habían he no sí muy más también ya así aquí ahí allí todo toda todos todas"""
    ),
    abbreviations=_set_of(
        "sr sra srta dr dra d ud uds etc pág núm art vol ee.uu p.ej aprox ene feb abr jun jul ago sept oct nov dic"
    ),
    particles=_set_of("de del la las los el y van von der al"),
    ambiguous=frozenset({"uno", "un", "una", "segundo", "segunda", "cuarto", "cuarta", "mar", "once"}),
    comma=True,
)  # fmt: skip
WORDS: Mapping[Language, LanguageWords] = {
    "en": _EN, "de": _DE, "fr": _FR, "es": _ES, "zh": LanguageWords(
        units=_units("天/日", "周/星期/个星期", "个月/月", "年/岁", "小时/个小时", "分钟/分", "秒/秒钟")
    ), "other": LanguageWords(),
}  # fmt: skip
_SPOKEN: tuple[Language, ...] = ("en", "de", "fr", "es")
_WORD = regex.compile(r"[\p{L}\p{M}]++")
_HAN = regex.compile(r"\p{Han}")
_KANA_OR_HANGUL = regex.compile(r"[\p{Hiragana}\p{Katakana}\p{Hangul}]")
# The number of characters that are used to detect the language.
_READ = 4_000


def language_of(text: str, code_given: str = "") -> Language:
    """The language of ``code_given``, such as `de` or `de-AT`; if there is none, it is detected.

    It is the one with the most function words in the text, and English for ties, as in a text of names. For other
    scripts than Latin it is Chinese, if the text has mostly Han characters, or ``other``.
    """
    if code_given:
        code = code_given.lower().replace("_", "-").partition("-")[0]
        return next((one for one in LANGUAGES if one == code), "other")
    text = text[:_READ]
    words = [word.lower() for word in _WORD.findall(text)]
    han = len(_HAN.findall(text))
    if 3 * han > sum(map(len, words)):
        return "other" if _KANA_OR_HANGUL.search(text) else "zh"
    if words and not any("a" <= word[0] <= "ɏ" for word in words):
        return "other"
    return max(_SPOKEN, key=lambda language: sum(word in WORDS[language].function for word in words))


# Of all languages, in the form of ``folded_words``.
FUNCTION_WORDS = STOP_WORDS | frozenset(
    folded for words in WORDS.values() for one in words.function for folded in folded_words(one)
)
