"""Dialogue: turns in all their forms, splits by dialogue, and F1 with reference and knowledge."""

from __future__ import annotations

import json

import pytest

from halluc.components import TABLE
from halluc.core.errors import HallucError
from halluc.core.examples import Origin
from halluc.core.significance import Sheet
from halluc.data.corpora import read_corpora
from halluc.data.rows.row import Row
from halluc.data.tokenization import Tokenizer
from halluc.tasks.dialogue.config import DialogueConfig
from halluc.tasks.dialogue.figures import ReplyFigures, normalised_words, unigram_f1
from halluc.tasks.dialogue.reading.config import DialoguesConfig
from halluc.tasks.dialogue.reading.reader import DialoguesReader
from halluc.tasks.dialogue.task import Dialogue
from halluc.tasks.text_generation.prompts import Prompt
from halluc.tasks.text_generation.source_text import Sourced, WrittenText, cut_parts


def said(speaker: str, text: str, **more) -> dict:
    return {"speaker": speaker, "text": text, **more}


def read(path, *rows, **keys):
    path.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    return read_corpora(DialoguesConfig(train=str(path), **keys), TABLE)


def told(example: Sourced) -> tuple:
    return example.id, [(part.name, example.text(part)) for part in example.parts], example.targets


TURNS = [
    said("user", "Hi."),
    said("agent", "Hello!"),
    said("user", "Open?"),
    said("agent", "At 9.", knowledge=["9-12."]),
]
KNOWN = [
    ("persona", "I am Ben."),
    ("knowledge", "A."),
    ("turn:user", "Hi."),
    ("turn:agent", "Hello!"),
    ("turn:user", "Open?"),
]


def test_each_reply_of_a_dialogue_is_an_example_with_what_was_said_before(tmp_path):
    found = read(tmp_path / "a.jsonl", {"id": "x", "persona": "I am Ben.", "turns": TURNS})
    first, second = found.splits["train"]
    assert told(first) == ("x.1", [("persona", "I am Ben."), ("turn:user", "Hi.")], ("Hello!",))
    assert told(second)[1] == [KNOWN[0], ("knowledge", "9-12."), *KNOWN[2:]]
    assert first.origin.document == second.origin.document


@pytest.mark.parametrize(
    ("row", "keys"),
    [
        ({"persona": ["I am Ben."], "knowledge": "A.", "history": TURNS[:3], "reply": "At 9."}, {}),
        ({"persona": ["I am Ben."], "knowledge": ["A."], "history": ["Hi.", "Hello!", "Open?"], "reply": "At 9."}, {}),
        ({"persona": "I am Ben.", "meta": ["A."],
          "dialogue": [["Hi. <|endoftext|> Hello! <|endoftext|> Open?", "At 9."]]},
         {"knowledge_field": "meta"}),
        ({"knowledge": "A.", "messages": [
            {"role": "system", "content": "I am Ben."}, {"role": "user", "content": "Hi."},
            {"role": "agent", "content": "Hello!"}, {"role": "user", "content": "Open?"},
            {"role": "assistant", "content": "At 9."}]}, {"agents": ["assistant"]}),
    ],
)  # fmt: skip
def test_all_forms_of_a_reply_are_read_alike(tmp_path, row, keys):
    (example,) = read(tmp_path / "a.jsonl", row, **keys).splits["train"]
    assert told(example) == ("train-1", KNOWN, ("At 9.",))


def test_pairs_are_turns_of_user_and_agent(tmp_path):
    found = read(tmp_path / "a.jsonl", {"meta": ["I am Ben."], "dialogue": [["Hi.", "Hello!"], ["Open?", "No."]]},
                 persona_field="meta")  # fmt: skip
    assert [told(one)[1:] for one in found.splits["train"]] == [
        ([KNOWN[0], ("turn:user", "Hi.")], ("Hello!",)), ([KNOWN[0], *KNOWN[2:]], ("No.",)),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("row", "code", "problem"),
    [
        ({"turns": []}, "D126", "a dialogue without turns"),
        ({"turns": [said("Ann", "Hi."), said("Bea", "No.")]}, "D126", "without a reply: its speakers are `Ann`, `Bea`"),
        ({"knowledge": "", "history": ["Hi."], "reply": "a"}, "D126", "`knowledge` is an empty text"),
        ({"turns": [said("user", "Hi."), said("agent", "a", knowledge=["b", " "])]}, "D126", "`knowledge` is an empty"),
        ({"turns": [said("user", " "), said("agent", "a")]}, "D106", "an empty text in turn 1"),
        ({"history": ["Hi."], "reply": ""}, "D106", "an empty reply"),
        ({"turns": "Hi."}, "D107", "`turns` is a string"),
        ({"turns": [3]}, "D107", "turn 1 of `turns` is a number"),
        ({"turns": [{"speaker": "user"}]}, "D107", "the speaker or the text is missing"),
        ({"turns": ["Hi.", "\u200b"]}, "D106", "an empty text in turn 2"),
        ({"turns": [said("user", "a\0b"), said("agent", "a")]}, "D119", "a NUL character in the text in turn 1"),
        ({"turns": [said("user", "Hi."), said("agent", None)]}, "D107", "turn 2 of `turns`: `text` is null"),
        ({"turns": [said(1, "Hi."), said("agent", "a")]}, "D107", "turn 1 of `turns`: `speaker` is a number"),
        ({"turns": [said("system", "Hi.")]}, "D126", "it has only system instructions"),
        ({"turns": None}, "D116", "`turns` is null"),
        ({"knowledge": "\u200b", "history": ["Hi."], "reply": "a"}, "D126", "`knowledge` is an empty text"),
        ({"knowledge": [3], "history": ["Hi."], "reply": "a"}, "D107", "`knowledge` has a number"),
        ({"question": "Hi."}, "D116", "neither turns nor a reply"),
    ],
)
def test_a_broken_dialogue_is_refused_with_its_line_or_left_out_and_counted(tmp_path, row, code, problem):
    good = {"turns": TURNS}
    with pytest.raises(HallucError) as caught:
        read(tmp_path / "a.jsonl", good, row)
    assert (caught.value.code, caught.value.where.line) == (code, 2)
    assert problem in caught.value.message
    found = read(tmp_path / "a.jsonl", good, row, on_bad_line="skip")
    assert (len(found.splits["train"]), len(found.skipped)) == (2, 1)


def test_a_reply_that_opens_a_dialogue_without_anything_before_is_left_out_and_counted(tmp_path):
    found = read(tmp_path / "a.jsonl", {"turns": [said("agent", "Hello!"), *TURNS]})
    assert [one.targets for one in found.splits["train"]] == [("Hello!",), ("At 9.",)]
    assert [one.what for one in found.skipped] == ["a reply without history, persona and knowledge"]


def flat(number: int, turn: int, **more) -> dict:
    """A reply of a dialogue whose history is cut to its last three turns, as files of one reply a row have it."""
    turns = [f"turn {place} of {number}" for place in range(2 * turn + 2)]
    return {"history": turns[max(0, 2 * turn - 2) : 2 * turn + 1], "reply": turns[2 * turn + 1], **more}


@pytest.mark.parametrize("has_name", [True, False])
def test_no_dialogue_is_in_two_splits(tmp_path, has_name):
    rows = [
        flat(number, turn, **({"dialogue_id": f"d{number}"} if has_name else {}))
        for number in range(40)
        for turn in range(4)
    ]
    if has_name:  # then their order says nothing
        rows = rows[::3] + rows[1::3] + rows[2::3]
    found = read(tmp_path / "a.jsonl", *rows, dev_share=0.2, test_share=0.2).splits
    of = {split: [one.targets[0].rpartition(" ")[2] for one in corpus] for split, corpus in found.items()}
    assert sum(map(len, of.values())) == 160
    assert all(len(names) == 4 * len(set(names)) >= 4 for names in of.values())
    assert len(set().union(*of.values())) == sum(len(set(names)) for names in of.values()) == 40


def test_the_input_of_a_prediction_are_the_turns_before_the_last_reply(tmp_path):
    reader = DialoguesReader(DialoguesConfig(train="x.jsonl"))
    asked = [{"turns": TURNS}, {"turns": TURNS[:3]}, {"history": ["Hi."], "knowledge": ["A."]}, {"text": "Hi."}]
    texts = [reader.input_of(Row("f", 1, fields)).details for fields in asked]
    assert told(texts[0])[1] == [("knowledge", "9-12."), *KNOWN[2:]]
    assert told(texts[1])[1] == KNOWN[2:]
    assert told(texts[2])[1] == [("knowledge", "A."), ("turn:user", "Hi.")]
    assert told(texts[3])[1] == [("turn:user", "Hi.")]
    assert not any(one.targets for one in texts)
    assert reader.input_of(Row("f", 1, {"text": " "})).tokens == ()


def reply(number: int, knowledge: str, *targets: str) -> Sourced:
    parts = [("knowledge", knowledge), ("turn:user", "what?")]
    return Sourced(f"e{number}", Origin("f", number), *cut_parts(parts, Tokenizer()), targets)


def test_f1_with_reference_and_knowledge_and_distinct_ngrams():
    examples = [reply(1, "The mill is red.", "It is blue.", "A mill!"), reply(2, "", "No idea.")]
    texts = ["The mill, the mill.", "no"]
    sheet = Sheet(2)
    found = ReplyFigures().figures(examples, [WrittenText(f"e{n}", text, ()) for n, text in enumerate(texts, 1)], sheet)
    sums = sheet.totals()
    values = {(one.name, *one.by.values()): float(one.formula(sums)) for one in found}
    # "mill mill" against "mill": precision 1/2, recall 1; "no" against "no idea": 1 and 1/2.
    assert values[("reply_f1",)] == pytest.approx(2 / 3)
    # "mill mill" against "mill is red"; the reply without knowledge counts as 0.
    assert values[("knowledge_f1",)] == pytest.approx(0.4 / 2)
    assert values["knowledge_f1", "with knowledge"] == pytest.approx(0.4)
    assert values[("distinct_1",)] == pytest.approx((2 / 4 + 1) / 2)
    assert values[("distinct_2",)] == pytest.approx(2 / 3)  # of the reply that has two words


def test_the_prompt_says_who_speaks():
    example = Sourced("a", Origin("f", 1), *cut_parts(KNOWN, Tokenizer()))
    filled = Prompt.of("{persona} / {turn}", ("persona", "knowledge", "turn")).fill(example)
    assert filled.text == "I am Ben. / user: Hi.\nagent: Hello!\nuser: Open?"
    name, start, end = filled.fields[-1]
    assert (name, filled.text[start:end]) == ("turn", "user: Hi.\nagent: Hello!\nuser: Open?")


def test_a_reference_is_no_evidence():
    task = Dialogue(DialogueConfig(type="dialogue"))
    example = reply(1, "The mill opens at 9.", "Ask Mr Vant at 10.")
    prediction = WrittenText("e1", "It opens at 9, says Mr Vant.", (0.5,) * 3)
    judged = task.judge.judge(example, task.judge.claims(example, prediction)).claims
    verdicts = {(one.label, one.text): one.verdict for one in judged if one.kind == "statement"}
    assert verdicts == {("number", "9"): "supported", ("name", "Mr Vant"): "unsupported"}


@pytest.mark.data
def test_human_replies_of_wizard_of_wikipedia_share_words_with_their_knowledge(real_data):
    path = real_data / "dlg/wow/test.json"
    corpus = read_corpora(DialoguesConfig(test=str(path), knowledge_field="meta"), TABLE).splits["test"]
    examples = list(corpus)
    assert (len(examples), len({one.origin.document for one in examples})) == (3865, 965)
    known = [" ".join(one.text(part) for part in one.parts if part.name == "knowledge") for one in examples]
    shared = [
        unigram_f1(normalised_words(one.targets[0]), normalised_words(text))
        for one, text in zip(examples, known, strict=True)
    ]
    # Shuster et al. 2021, table 1: .363
    assert sum(shared) / len(shared) == pytest.approx(0.363, abs=0.002)
