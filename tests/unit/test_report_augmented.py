"""Pairs before and after augmentation, and the tokens that edits touched."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from halluc.core.edits import Editable, Reorder, Replace, apply
from halluc.core.files import json_line, sha256_of
from halluc.reporting.collect import augmented
from halluc.reporting.collect.augmented import Edited
from halluc.reporting.page import render
from halluc.runs.directory import RunDir
from tests import report_records
from tests.report_records import run_report


def edited(tokens, all_steps):
    """Edits as provenance has them, and what they leave."""
    told = []
    for number, one in enumerate(all_steps):
        for edit in one:
            start, end = (edit.start, edit.end) if isinstance(edit, Replace) else (edit.cuts[0], edit.cuts[-1])
            after = edit.tokens if isinstance(edit, Replace) else [
                tokens[at] for piece in edit.order for at in range(*edit.cuts[piece : piece + 2])
            ]  # fmt: skip
            order = {} if isinstance(edit, Replace) else {"cuts": list(edit.cuts), "order": list(edit.order)}
            told.append(
                Edited(step=number, start=start, end=end, before=tokens[start:end], after=after, why=edit.why, **order)
            )
        tokens = apply(Editable(tuple(tokens)), one).tokens
    return told, list(tokens)


STEPS = [
    [Replace(0, 1, ("A", "B"), "grown"), Replace(3, 4, (), "gone")],
    [Reorder((1, 2, 4), (1, 0), "moved")],
    [Replace(0, 0, ("new",), "put in")],
]


def test_edits_in_several_steps_are_marked_on_both_sides_and_can_be_reverted():
    before = ["a", "b", "c", "d", "e"]
    told, after = edited(before, STEPS)
    assert after == ["new", "A", "b", "c", "B", "e"]
    steps = augmented.steps(reversed(told))
    made = augmented.apply_edits(before, steps)
    assert (made.tokens, made.before, made.after) == (after, [(0, 4)], [(0, 5)])
    assert augmented.undo_edits(after, steps) == before


@given(st.lists(st.sampled_from("xyz"), min_size=1, max_size=8), st.data())
def test_reverting_edits_restores_the_text(tokens, data):
    steps, left = [], list(tokens)
    for _ in range(data.draw(st.integers(0, 3))):
        start = data.draw(st.integers(0, len(left) - 1))
        end = data.draw(st.integers(start + 1, len(left)))
        new = data.draw(st.lists(st.sampled_from("uvw"), min_size=1, max_size=3))
        steps.append([Replace(start, end, tuple(new), "drawn")])
        left = list(apply(Editable(tuple(left)), steps[-1]).tokens)
    told, after = edited(tokens, steps)
    assert augmented.undo_edits(after, augmented.steps(told)) == tokens
    assert augmented.apply_edits(tokens, augmented.steps(told)).tokens == after


@pytest.mark.parametrize(
    "spoilt", [{"before": ["q"]}, {"start": 7, "end": 8}, {"cuts": [0, 9], "order": [0]}, {"cuts": [0], "order": [3]}]
)
def test_edits_that_do_not_fit_are_refused(spoilt):
    edit = {"start": 0, "end": 1, "before": ["a"], "after": ["b"], "why": "x", **spoilt}
    assert augmented.apply_edits(["a", "c"], [[Edited(**edit)]]) is None


def corpus(tmp_path, originals, lines):
    """An augmented corpus of one-word examples: (id, parent, method, before, after)."""
    run = RunDir(tmp_path)
    run.augment.mkdir()
    counts = {"examples": 0}
    manifest = {
        "schema_version": 1, "fingerprint": "f", "sha256": "s", "wanted": 1, "made": 1, "originals": originals,
        "kept": {}, "refused": {}, "refused_examples": {}, "unchangeable": 0, "given_up": 0,
        "before": counts, "new": counts, "after": counts, "seconds": 0.1,
    }  # fmt: skip
    (run.augment / "manifest.json").write_text(json.dumps(manifest))
    texts = [(parent, before) for _, parent, _, before, _ in lines] if originals else []
    texts += [(identity, after) for identity, _, _, _, after in lines]
    with (run.augment / "train.jsonl").open("w") as file:
        file.writelines(json_line({"id": identity, "tokens": words, "spans": []}) + "\n" for identity, words in texts)
    with (run.augment / "provenance.jsonl").open("w") as file:
        for identity, parent, method, before, after in lines:
            edit = {"step": 0, "start": 0, "end": len(before), "before": before, "after": after, "why": "x"}
            changes = [edit] if before != after else []
            file.write(
                json_line({"id": identity, "parent": parent, "source": "f:1", "methods": [method], "edits": changes})
                + "\n"
            )
    return run


def shown(run):
    """What the report shows of a corpus whose files are those that the manifest has the hashes of."""
    manifest = json.loads((run.augment / "manifest.json").read_text())
    manifest["sha256"] = sha256_of(run.augment / "train.jsonl")
    (run.augment / "manifest.json").write_text(json.dumps(manifest))
    return found_of(run)


def found_of(run):
    return augmented.augmentation(run, report_records._run_file(), configured=True)


@pytest.mark.parametrize("originals", [0, 50])
def test_a_few_pairs_of_each_method_are_drawn_by_a_hash(tmp_path, originals):
    lines = [(f'é"{n}~1', f'é"{n}', f"m{n % 5}", [f"w{n}"], [f"v{n}"]) for n in range(50)]
    lines += [(f"c{n}~1", f"c{n}", "copy", ["same"], ["same"]) for n in range(5)]
    run = corpus(tmp_path, originals, lines)
    pairs = shown(run).pairs
    assert len(pairs) == 12
    by_method = {method: [pair for pair in pairs if pair.methods == [method]] for method in "m0 m1 m2 m3 m4".split()}  # noqa: SIM905
    assert all(2 <= len(found) <= 3 for found in by_method.values())
    assert {pair.id for pair in pairs} != {line[0] for line in lines[:12]}
    for pair in pairs:
        assert (pair.before[0].replace("w", "v"), pair.before_edits, pair.after_edits) == (
            pair.after[0],
            [(0, 1)],
            [(0, 1)],
        )
    assert shown(run).pairs == pairs


def test_a_sampled_sentence_has_no_original(tmp_path):
    pair = shown(corpus(tmp_path, 0, [("s~1", None, "ngram", [], ["made", "up"])])).pairs[0]
    assert (pair.parent, pair.before, pair.after, pair.after_edits) == ("", [], ["made", "up"], [(0, 2)])


@pytest.mark.parametrize("kept", [True, False])
def test_the_border_of_a_pair_of_texts_is_shown_on_both_sides(tmp_path, kept):
    run = corpus(tmp_path, int(kept), [("a~1", "a", "m", ["x"], ["y", "z"])])
    originals = [{"id": "a", "tokens": ["x", "b", "c"], "second": 2, "label": ["l"]}] if kept else []
    new = {"id": "a~1", "tokens": ["y", "z", "b", "c"], "second": 3, "label": ["l"]}
    (run.augment / "train.jsonl").write_text("".join(json_line(line) + "\n" for line in [*originals, new]))
    found = shown(run)
    (pair,) = found.pairs
    assert (pair.before, pair.before_second, pair.after_second) == (["x", "b", "c"], 2 if kept else None, 3)
    page = render.page(run_report().model_copy(update={"augmentation": found}), ())
    border = ' <span class="second" title="start of the second text">‖</span> '
    assert f"<ins>y z</ins> b{border}c" in page
    assert (f"<del>x</del> b{border}c" in page) == kept


def test_an_original_that_cannot_be_determined_is_left_out(tmp_path):
    run = corpus(tmp_path, 0, [("a~1", "a", "m", ["x"], ["y"])])
    (run.augment / "train.jsonl").write_text(json_line({"id": "a~1", "tokens": ["z"], "spans": []}) + "\n")
    assert shown(run).pairs == []


def test_damaged_provenance_is_named_with_its_line(tmp_path):
    run = corpus(tmp_path, 0, [("a~1", "a", "m", ["x"], ["y"])])
    with (run.augment / "provenance.jsonl").open("a") as file:
        file.write('{"id": "b~1", "methods": ["n"]')
    found = shown(run)
    assert (found.pairs, found.manifest.made) == ([], 1)
    (problem,) = found.problems
    assert problem.startswith("augment/provenance.jsonl is damaged (line 2: not a line of provenance: ")
    assert f"`halluc augment {run.config} --run {run.path}` makes it again." in problem
