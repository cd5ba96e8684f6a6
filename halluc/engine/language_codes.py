"""Language codes in data and in multilingual models: `de`, `de-AT`, `de_DE`, `deu_Latn`."""

from __future__ import annotations

from typing import Any

# ISO 639-3 codes (of macrolanguages and their usual members), and other names of a language, as ISO 639-1.
_PAIRS = """
    afr:af amh:am ara:ar arb:ar asm:as aze:az azj:az bel:be ben:bn bos:bs bul:bg cat:ca ces:cs cze:cs cmn:zh
    chi:zh cym:cy dan:da deu:de ger:de ell:el eng:en epo:eo est:et ekk:et eus:eu fas:fa pes:fa fin:fi fra:fr
    fre:fr gle:ga gla:gd glg:gl guj:gu hat:ht hau:ha heb:he iw:he hin:hi hrv:hr hun:hu hye:hy ibo:ig ind:id isl:is
    ita:it jav:jv jpn:ja kan:kn kat:ka kaz:kk khm:km kir:ky kor:ko lao:lo lav:lv lvs:lv lit:lt ltz:lb mal:ml
    mar:mr mkd:mk mlg:mg plt:mg mlt:mt mon:mn khk:mn msa:ms zsm:ms mya:my bur:my nep:ne npi:ne nld:nl nb:no nob:no
    nor:no nno:nn oci:oc ory:or ori:or pan:pa pol:pl por:pt pus:ps pbt:ps ron:ro rum:ro rus:ru sin:si slk:sk
    slv:sl sna:sn snd:sd som:so spa:es sqi:sq als:sq srp:sr sun:su swa:sw swh:sw swe:sv tam:ta tat:tt tel:te
    tgk:tg tgl:tl fil:tl tha:th tur:tr uig:ug ukr:uk urd:ur uzb:uz uzn:uz vie:vi xho:xh yid:yi ydd:yi yor:yo
    yue:yue zho:zh zul:zu
"""
_SHORT = dict(pair.split(":") for pair in _PAIRS.split())
# Regions that use traditional characters.
_TRADITIONAL = frozenset(("tw", "hk", "mo"))


def primary_code(language: str) -> str:
    """The language of a code without script and region, as ISO 639-1 if there is such a code: `de` for `deu_Latn`."""
    code = _parts(language)[0]
    return _SHORT.get(code, code)


def _parts(code: str) -> list[str]:
    return code.lower().replace("_", "-").split("-")


def tokenizer_codes(tokenizer: Any) -> list[str]:
    """The languages of a tokenizer that has tokens for them."""
    for name in ("lang_code_to_id", "lang_code_to_token"):
        known = getattr(tokenizer, name, None)
        if known:
            return sorted(map(str, known))
    return sorted(str(token) for token in getattr(tokenizer, "extra_special_tokens", None) or [])


def tokenizer_code(tokenizer: Any, language: str) -> str | None:
    """The code of a tokenizer for a language code in any form; None if it has none.

    Of several codes of a language, the one with the same script or region, otherwise the first: `zho_Hans`.
    """
    known = tokenizer_codes(tokenizer)
    if language in known:
        return language
    wanted = _parts(language)[1:]
    if primary_code(language) == "zh" and not _TRADITIONAL.isdisjoint(wanted):
        wanted.append("hant")
    same = [code for code in known if primary_code(code) == primary_code(language)]
    return next((code for code in same if not set(wanted).isdisjoint(_parts(code)[1:])), same[0] if same else None)


def code_number(tokenizer: Any, code: str) -> int | None:
    """The id of the token of a language; None if there is none."""
    known = getattr(tokenizer, "lang_code_to_id", None) or {}
    if code in known:
        return int(known[code])
    vocabulary = tokenizer.get_vocab()
    return next((int(vocabulary[name]) for name in (f"__{code}__", code) if name in vocabulary), None)
