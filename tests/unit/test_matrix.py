from __future__ import annotations

import string
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from halluc.components import TABLE
from halluc.config import axes, loading, matrix, slugs
from halluc.config.matrix import Study, load_study
from halluc.core.errors import HallucError, ManyErrors
from tests.unit.test_loading import LEAST, write


def load(path: Path, *overrides: str) -> Study:
    return load_study(path, overrides, table=TABLE, environ={})


def study_of(folder: Path, text: str, *overrides: str) -> Study:
    return load(write(folder, top=LEAST + text), *overrides)


def errors_of(folder: Path, text: str, *overrides: str) -> list[HallucError]:
    with pytest.raises(HallucError) as caught:
        study_of(folder, text, *overrides)
    error = caught.value
    return list(error.errors) if isinstance(error, ManyErrors) else [error]


def test_cells_are_the_product_in_written_order(tmp_path):
    study = study_of(
        tmp_path,
        "matrix:\n  arm: {baseline: {}, dropout: {model: {dropout: 0.3}}}\n  train.epochs: [1, 2]\n  seed: [5]\n",
    )
    assert [cell.slug for cell in study.cells] == [
        "arm=baseline,train.epochs=1,seed=5",
        "arm=baseline,train.epochs=2,seed=5",
        "arm=dropout,train.epochs=1,seed=5",
        "arm=dropout,train.epochs=2,seed=5",
    ]
    got = [(c.loaded.experiment.model.dropout, c.loaded.experiment.train.epochs) for c in study.cells]
    assert got == [(None, 1), (None, 2), (0.3, 1), (0.3, 2)]
    assert {cell.loaded.experiment.seed for cell in study.cells} == {5}
    assert study.axes == {"arm": ("baseline", "dropout"), "train.epochs": (1, 2), "seed": (5,)}
    assert study.cells[3].choice == {"arm": "dropout", "train.epochs": 2, "seed": 5}
    assert study.home == Path("runs/x")


@pytest.mark.parametrize("text", ["", "matrix: null\n", "matrix: {}\n"])
def test_a_config_without_matrix_is_one_cell_without_slug(tmp_path, text):
    study = study_of(tmp_path, text)
    (cell,) = study.cells
    assert (cell.slug, cell.choice, study.axes) == (None, {}, {})
    assert cell.loaded.sha256 == loading.load(tmp_path / "top.yaml", table=TABLE).sha256


def test_a_cell_is_the_config_that_one_would_write_by_hand(tmp_path):
    study = study_of(tmp_path, "train: {epochs: 9}\nmatrix: {arm: {a: {train: {warmup: 0.2}}}, seed: [3]}\n")
    by_hand = write(tmp_path, hand=LEAST + "train: {epochs: 9, warmup: 0.2}\nseed: 3\n")
    assert study.cells[0].loaded.tree == loading.load(by_hand, table=TABLE).tree


def test_cells_share_nothing_with_each_other(tmp_path):
    arms = "matrix:\n  arm: {a: {gap: {fraction: 0.1}}}\n  unit: {by_example: {gap: {unit: example}}, plain: {}}\n"
    assert [cell.loaded.experiment.gap.unit for cell in study_of(tmp_path, arms).cells] == ["example", "mention"]


def test_every_cell_is_reported_all_fractions_so_that_matched_sizes_suit_them(tmp_path):
    by_key = study_of(tmp_path, "gap: {unit: example}\nmatrix: {gap.fraction: [0.75, 0, 0.5]}\n")
    assert {tuple(cell.loaded.experiment.gap.fractions) for cell in by_key.cells} == {(0.0, 0.5, 0.75)}
    assert by_key.cells[0].loaded.origins["gap", "fractions"].line == 6
    by_arm = study_of(tmp_path, "matrix: {arm: {none: {}, half: {gap: {fraction: 0.5}}, all: {gap: {fraction: 1}}}}\n")
    gaps = [cell.loaded.experiment.gap for cell in by_arm.cells]
    assert gaps[0] is None
    assert gaps[1].fractions == gaps[2].fractions == [0.5, 1.0]
    said = study_of(tmp_path, "gap: {fractions: [0.0, 0.9]}\nmatrix: {gap.fraction: [0, 0.5]}\n")
    assert {tuple(cell.loaded.experiment.gap.fractions) for cell in said.cells} == {(0.0, 0.9)}


def test_a_matrix_is_merged_like_the_rest(tmp_path):
    path = write(
        tmp_path,
        top="extends: base.yaml\nmatrix: {seed: [7], arm: {b: {model: {dropout: 0.2}}}}\n",
        base=LEAST + "matrix: {arm: {a: {}, b: {model: {dropout: 0.1, freeze: 1}}}, seed: [1, 2]}\n",
    )
    study = load(path)
    assert [cell.slug for cell in study.cells] == ["arm=a,seed=7", "arm=b,seed=7"]
    model = study.cells[1].loaded.experiment.model
    assert (model.dropout, model.freeze) == (0.2, 1)


@pytest.mark.parametrize(
    ("override", "slugs_of_cells"),
    [
        ("matrix.seed=[4]", ["gap.fraction=0.0,arm=a.b,seed=4", "gap.fraction=0.5,arm=a.b,seed=4"]),
        ("matrix.gap.fraction=[0.1]", ["gap.fraction=0.1,arm=a.b,seed=1"]),
        ("matrix.gap.fraction.1=0.2", ["gap.fraction=0.0,arm=a.b,seed=1", "gap.fraction=0.2,arm=a.b,seed=1"]),
        ("matrix.train.epochs=[3]", ["gap.fraction=0.0,arm=a.b,seed=1,train.epochs=3",
                                     "gap.fraction=0.5,arm=a.b,seed=1,train.epochs=3"]),
        ("matrix={seed: [9]}", ["seed=9"]),
        ("matrix=null", [None]),
    ],
)  # fmt: skip
def test_set_reaches_into_the_matrix_before_it_is_expanded(tmp_path, override, slugs_of_cells):
    text = "gap: {fraction: 0.0}\nmatrix:\n  gap.fraction: [0.0, 0.5]\n  arm: {a.b: {}}\n  seed: [1]\n"
    assert [cell.slug for cell in study_of(tmp_path, text, override).cells] == slugs_of_cells


def test_set_reaches_an_arm(tmp_path):
    study = study_of(tmp_path, "matrix: {arm: {a: {model: {dropout: 0.1}}}}\n", "matrix.arm.a.model.dropout=0.4")
    assert study.cells[0].loaded.experiment.model.dropout == 0.4


def test_variables_in_the_matrix_are_filled_once(tmp_path):
    path = write(tmp_path, top=LEAST + 'matrix: {arm: {a: {model: {name: "${M:-m}$$x"}}}}\n')
    study = load_study(path, table=TABLE, environ={"M": "$$y"})
    assert study.cells[0].loaded.experiment.model.name == "$$y$x"


def test_one_experiment_is_not_loaded_from_many(tmp_path):
    path = write(tmp_path, top=LEAST + "matrix: {seed: [1, 2]}\n")
    with pytest.raises(HallucError, match="several experiments") as caught:
        loading.load(path, table=TABLE)
    assert caught.value.code == "C128"
    assert loading.load(path, ["matrix=null"], table=TABLE).experiment.name == "x"


@pytest.mark.parametrize(
    ("text", "code", "line", "column", "told"),
    [
        ("matrix: [1]\n", "C120", 5, 9, "mapping of axes, not a list"),
        ("matrix:\n  seed: 3\n", "C120", 6, 9, "a list of values or a mapping of named arms, not 3"),
        ("matrix:\n  model: [{name: a}]\n", "C120", 6, 11, "cannot be a mapping"),
        ("matrix:\n  arm: {a: {}, b: [1]}\n", "C120", 6, 16, "`matrix.arm.b` must be a mapping"),
        ("matrix:\n  arm:\n    a:\n", "C120", 7, 5, "not null"),
        ("matrix:\n  seed: []\n", "C121", 6, 3, "is empty"),
        ("matrix:\n  arm: {}\n", "C121", 6, 3, "is empty"),
        ("matrix:\n  seed:\n", "C121", 6, 3, "is empty"),
        ("matrix:\n  seed: [1, 2, 1]\n", "C122", 6, 16, "has the value 1 twice"),
        ("matrix:\n  train.warmup: [0, 0.0]\n", "C122", 6, 21, "has the value 0.0 twice"),
        ("matrix:\n  name: [a, b]\n", "C123", 6, 3, "cannot set `name`"),
        ("matrix:\n  extends: {a: {}}\n", "C123", 6, 3, "cannot set `extends`"),
        ("matrix:\n  matrix.seed: [1]\n", "C123", 6, 3, "cannot set `matrix`"),
        ("matrix:\n  arm: {a: {runs_dir: b}}\n", "C123", 6, 13, "cannot set `runs_dir`"),
        ("matrix:\n  seed: [1]\n  arm: {a: {seed: 2}}\n", "C124", 7, 13, "both set `seed`"),
        ("matrix:\n  gap: [null]\n  gap.unit: [mention]\n", "C124", 7, 3, "both set `gap.unit`"),
        ("matrix:\n  arm: {a: {gap: null}}\n  gap.fraction: [0.1]\n", "C124", 7, 3, "both set `gap.fraction`"),
        ("matrix:\n  train: {epochs: [1, 2]}\n", "C126", 6, 3, "`train` is a key"),
        ("matrix:\n  traim.epochs: [1]\n", "C101", 6, 3, "unknown key `traim`"),
        ("matrix:\n  train.epoch: [1]\n", "C101", 6, 3, "unknown key `train.epoch`"),
        ("matrix:\n  arm: {a: {model: {dropot: 1}}}\n", "C101", 6, 21, "unknown key `model.dropot`"),
        ("matrix:\n  seed: [1, x]\n", "C104", 6, 13, "a whole number"),
        ("matrix:\n  train.warmup: [0.5, 2]\n", "C105", 6, 23, "at most 1"),
        ("gap: {fraction: 0.5}\nmatrix:\n  gap.unit: [label]\n", "C106", 7, 3, "needs `gap.labels`"),
        ("train: nonsense\nmatrix:\n  train.epochs: [1, 2]\n", "C104", 5, 8, '`train` must be a mapping'),
        ("train: {epochs: many}\nmatrix:\n  train.epochs: [1, 2]\n", "C104", 5, 17, 'a whole number, not "many"'),
        ("seed: -1\nmatrix:\n  seed: [1, 2]\n", "C105", 5, 7, "at least 0"),
        ("matrix: {a.b.c" + ".d" * 60 + ": [1]}\n", "C120", 5, 10, "nested too deeply"),
        ("matrix:\n  seed: [" + "1, " * 1001 + "]\n", "C125", 6, 3, "`matrix.seed` has 1,001 values"),
        ("matrix: {" + ", ".join(f"a{n}: [1]" for n in range(51)) + "}\n", "C125", 5, 9, "has 51 axes, more than 50"),
    ],
)  # fmt: skip
def test_a_mistake_in_the_matrix_is_reported_with_its_place(tmp_path, text, code, line, column, told):
    (error,) = errors_of(tmp_path, text)
    assert (error.code, error.where.line, error.where.column) == (code, line, column)
    assert told in error.message


def test_what_an_axis_gives_may_be_null_or_missing_in_the_config(tmp_path):
    text = "train: null\nseed: null\nmatrix:\n  seed: [1, 2]\n  train.epochs: [3]\n"
    assert [cell.loaded.experiment.train.epochs for cell in study_of(tmp_path, text).cells] == [3, 3]


def test_the_same_mistake_in_many_cells_is_reported_once_and_all_at_once(tmp_path):
    text = (
        "train: {epochs: 0}\nmatrix:\n  gap.fraction: [0.5, 1.5]\n  seed: [1, 2, 3]\n  arm: {a: {modle: {}}, b: {}}\n"
    )
    errors = errors_of(tmp_path, text)
    assert [(e.code, e.where.line) for e in errors] == [("C105", 5), ("C105", 7), ("C101", 9)]


def test_what_only_a_broken_axis_could_give_is_not_reported_as_missing(tmp_path):
    text = LEAST.replace("model: {name: m}\n", "") + "matrix:\n  arm: {a: {model: {name: m}}, b: 3}\n  seed: [x]\n"
    path = write(tmp_path, top=text)
    with pytest.raises(ManyErrors) as caught:
        load(path)
    assert [error.code for error in caught.value.errors] == ["C120", "C104"]


def test_a_bad_override_of_the_matrix_is_reported_with_the_other_errors(tmp_path):
    errors = errors_of(tmp_path, "matrix: {seed: [1]}\ntrain: {epochs: 0}\n", "matrix.seed=[1", "matrix.seed.4=2")
    assert [error.code for error in errors] == ["C001", "C007", "C105"]
    (error,) = errors_of(tmp_path, "matrix: {seed: [1]}\n", "matrix.seed=7")
    assert (error.code, error.where.file) == ("C120", "--set")


def test_a_thousand_cells_are_enough(tmp_path):
    many = list(range(40))
    (error,) = errors_of(tmp_path, f"matrix:\n  seed: {many}\n  train.epochs: {many[1:27]}\n")
    assert (error.code, error.where.line) == ("C125", 6)
    assert "1,040 cells" in error.message
    assert len(study_of(tmp_path, f"matrix:\n  seed: {many}\n  train.epochs: {many[1:26]}\n").cells) == 1000


@pytest.mark.parametrize(("typed", "meant"), [("sed", "`seed`"), ("learning_rate", "`train.learning_rate`"),
                                              ("train.epoch", "`epochs`"), ("modle.dropout", "`model`")])  # fmt: skip
def test_an_axis_with_a_typo_is_reported_what_was_meant(tmp_path, typed, meant):
    (error,) = errors_of(tmp_path, f"matrix: {{{typed}: [1]}}\n")
    assert error.help == f"did you mean {meant}?"


def test_a_section_nested_by_mistake_is_reported_how_its_keys_are_written(tmp_path):
    (error,) = errors_of(tmp_path, "matrix: {train: {epochs: [1], warmup: [0.1]}}\n")
    assert error.help == "to list values, write `train.epochs: […]`, `train.warmup: […]`"


@pytest.mark.parametrize(
    ("choice", "slug"),
    [
        ({"arm": "baseline", "gap.fraction": 0.25, "seed": 1}, "arm=baseline,gap.fraction=0.25,seed=1"),
        ({"train.learning_rate": 5e-5, "model.dropout": None}, "train.learning_rate=5e-05,model.dropout=null"),
        ({"train.compile": True, "seed": 0}, "train.compile=true,seed=0"),
        ({"arm": "drop-out_0.3+x"}, "arm=drop-out_0.3+x"),
    ],
)
def test_a_slug_reads_as_the_choice(choice, slug):
    assert slugs.slug_of(choice) == slug


HOSTILE = ["../up", "a/b", "a\\b", ".", "..", "", " ", "a.", "Base", "base ", "CON", "a=b", "a,b", "a\nb", "a\0b",
           "名前", "e\u0301", "\u00e9", "~", "base~0123abcd", "true", "1", "null",
           "x" * 400, "\ud800", "*?<>|:\""]  # fmt: skip


def is_safe_everywhere(name: str) -> bool:
    allowed = set(string.ascii_letters + string.digits + "_.+-=,~")
    return 0 < len(name) <= 150 and set(name) <= allowed and name[0] not in ".-~" and name[-1] != "."


def test_hostile_arms_become_folders_that_are_safe_and_differ():
    made = [slugs.slug_of({"arm": name}) for name in [*HOSTILE, 1, True, None, 1.5]]
    assert all(map(is_safe_everywhere, made)), made
    assert len({slug.casefold() for slug in made}) == len(made)


values = st.one_of(st.text(max_size=60), st.sampled_from(HOSTILE), st.integers(), st.booleans(), st.none(),
                   st.floats(allow_nan=False, allow_infinity=False))  # fmt: skip
choices = st.dictionaries(st.one_of(st.sampled_from(["arm", "seed", "gap.fraction"]), st.text(max_size=20)), values,
                          min_size=1, max_size=6)  # fmt: skip


def told(choice):
    return [(axis, type(value), value) for axis, value in choice.items()]


def test_slugs_that_are_cut_differ_where_the_choices_do():
    choices = [{f"axis{number}": "x" * 35 for number in range(5)} | {"seed": seed} for seed in (1, 2)]
    one, other = map(slugs.slug_of, choices)
    assert len(one) == len(other) == slugs.MOST_CHARACTERS
    assert one[:-9] == other[:-9]
    assert one != other


@given(choices, choices)
def test_slugs_are_safe_stable_and_never_collide(one, other):
    first, second = slugs.slug_of(one), slugs.slug_of(other)
    assert first == slugs.slug_of(dict(one))
    assert len(first) <= slugs.MOST_CHARACTERS
    assert set(first) <= set(string.ascii_letters + string.digits + "_.+-=,~")
    assert first[-1] != "."
    if told(one) != told(other):
        assert first.casefold() != second.casefold()


@given(st.lists(st.text(alphabet="aA._~-=, 1", max_size=4), min_size=2, max_size=8, unique=True))
def test_arms_of_one_study_get_folders_of_their_own(names):
    made = [slugs.slug_of({"arm": name, "seed": 1}) for name in names]
    assert len({slug.casefold() for slug in made}) == len(names)


def test_more_values_on_an_axis_leave_the_other_slugs_as_they_are(tmp_path):
    few = study_of(tmp_path, "matrix: {arm: {Base: {}}, train.warmup: [0]}\n")
    many = study_of(tmp_path, "matrix: {arm: {base: {}, Base: {}}, train.warmup: [0.0, 0.5]}\n")
    assert few.cells[0].slug in {cell.slug for cell in many.cells}


def test_two_cells_with_one_folder_are_refused_if_hashes_should_collide(tmp_path, monkeypatch):
    monkeypatch.setattr(slugs, "_digest", lambda text: "00000000")
    (error,) = errors_of(tmp_path, "matrix: {arm: {'a b': {}, 'a?b': {}}}\n")
    assert error.code == "C127"


def test_a_list_as_a_value_is_named_by_its_items(tmp_path):
    study = study_of(tmp_path, "matrix: {eval.splits: [[dev], [dev, test]]}\n")
    assert study.axes == {"eval.splits": ("dev", "dev+test")}
    assert study.cells[1].loaded.experiment.eval.splits == ["dev", "test"]


def test_positions_inside_the_matrix_are_the_origins_of_a_cell(tmp_path):
    study = study_of(tmp_path, "matrix:\n  seed: [1, 2]\n  arm: {a: {model: {dropout: 0.1}}}\n")
    origins = study.cells[1].loaded.origins
    assert (origins["seed",].line, origins["seed",].column) == (6, 13)
    assert origins["model", "dropout"].line == 7
    assert ("matrix",) not in origins


def test_cells_are_limited_by_the_number_that_docs_state():
    assert axes.MOST_CELLS == 1000
    assert matrix.MOST_CELLS == axes.MOST_CELLS
