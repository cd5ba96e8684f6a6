"""Inputs of text classification that people have, by their kind, and what each must be read as (words are made up)."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

# A text and its labels; of a pair, the two with a bar between.
Texts = list[tuple[str, tuple[str, ...]]]


@dataclass(frozen=True)
class Input:
    """A file, the keys of ``data`` and what is right: its texts, or the code of an error.

    ``told`` stands in the line of the fields, a notice, or the error with its help; ``skipped`` counts records that are
    left out on purpose.
    """

    kind: str
    name: str
    content: str | bytes
    right: Texts | str
    keys: dict[str, Any] = field(default_factory=dict)
    told: str = ""
    skipped: int = 0


def lines(*records: Any) -> str:
    return "".join(json.dumps(record, ensure_ascii=False) + "\n" for record in records)


A, B, AB = ("a",), ("b",), ("a", "b")
LISTS = [("x y", AB), ("z", ()), ("q", B)]
HOT = [("you fool", AB), ("nice day", ()), ("hm", B)]
MARKED = [("where is it", ("__label__a", "__label__b")), ("money back", ("__label__b",))]
ENDS = [("rose by 8 % .", ("up",)), ("fell .", ("down",)), ("at 5 @ 7", ("flat",))]
TWO = [("where is it", ("ask",)), ("a b", ("say",))]
LAST = {"format": "lines", "label_position": "last"}
WRITTEN = "lists written as text"

INPUTS = [
    # Several labels written as a list in a cell (case 26).
    Input("lists", "a.csv", "text,label\nx y,\"['a', 'b']\"\nz,[]\nq,['b']\n", LISTS, told=WRITTEN),
    Input("lists", "b.csv", 'text,label\nx y,"[""a"", ""b""]"\nz,[]\nq,"[""b""]"\n', LISTS, told=WRITTEN),
    Input("lists", "c.tsv", "text\tlabel\nx y\t['a', 'b']\nz\t[]\nq\t['b']\n", LISTS),
    Input(
        "lists",
        "d.jsonl",
        lines({"text": "x y", "label": "['a','b']"}, {"text": "z", "label": "[]"}, {"text": "q", "label": "['b']"}),
        LISTS,
        told=WRITTEN,
    ),
    Input(
        "lists",
        "e.csv",
        "text,label\nz,c\nx y,\"['a', 'b']\"\n",
        [("z", ("c",)), ("x y", AB)],
        told="each item is read as a label",
    ),
    Input("lists", "f.csv", 'text,label\nx y,"[1, 2]"\n', [("x y", ("1", "2"))]),
    Input("lists", "g.csv", "text,label\nx y,[NEG]\nz,[POS]\n", [("x y", ("[NEG]",)), ("z", ("[POS]",))]),
    Input("lists", "h.csv", "text,label\nx y,\"['a, b']\"\n", [("x y", ("a, b",))]),
    Input("lists", "i.csv", "text,label\nx y,\"['a', {'b': 1}]\"\n", [("x y", ("['a', {'b': 1}]",))]),
    Input("lists", "j.csv", "text,label\nx y,['a']|b\n", [("x y", ("['a']", "b"))], {"multi_separator": "|"}),
    Input("lists", "k.csv", "text,label\nx y,[1]\n", [("x y", ("[1]",))], {"multi_separator": "|"}),
    Input("lists", "l.csv", "text,label\nx y,\"['a', '']\"\n", "D123", told="an empty label"),
    # A column for each label (case 27).
    *(
        Input(
            "one-hot",
            f"{at}.csv",
            f"id,t,a,b\n1,you fool,{yes},{yes}\n2,nice day,{no},{no}\n3,hm,{no},{yes}\n",
            HOT,
            {"text_field": "t", "label_field": ["a", "b"]},
            told="labels: `a`, `b`; id: `id`",
        )
        for at, (yes, no) in enumerate([("1", "0"), ("true", "false"), ("True", "False"), ("1.0", "0.0"), ("1", "")])
    ),
    Input(
        "one-hot",
        "f.jsonl",
        lines(
            {"text": "you fool", "a": True, "b": 1},
            {"text": "nice day", "a": False, "b": None},
            {"text": "hm", "a": 0.0, "b": 1.0},
        ),
        HOT,
        {"label_field": ["a", "b"]},
    ),
    Input(
        "one-hot",
        "g.csv",
        "you fool,1,1\nnice day,0,0\nhm,0,1\n",
        [("you fool", ("1", "2")), ("nice day", ()), ("hm", ("2",))],
        {"text_field": 0, "label_field": [1, 2]},
    ),
    Input("one-hot", "h.csv", "text,a,b\nyou fool,1,2\n", "D123", {"label_field": ["a", "b"]}, told="`b` is '2'"),
    Input("one-hot", "i.csv", "text,a,b\nyou fool,1,yes\n", "D123", {"label_field": ["a", "b"]}, told="`b` is 'yes'"),
    Input(
        "one-hot",
        "j.csv",
        "text,a,b\nyou fool,1,1\nunjudged,-1,-1\n",
        [("you fool", AB)],
        {"label_field": ["a", "b"], "no_label": [-1]},
        skipped=1,
    ),
    Input("one-hot", "k.csv", "text,a,b\nyou fool,1,1\n", "D116", {"label_field": ["a", "c"]}, told="no field `c`"),
    # Several labels in front of a text, as fastText has them (case 36).
    Input("marks", "a.txt", "__label__a __label__b where is it\n__label__b money back\n", MARKED),
    Input(
        "marks", "b.txt", "__label__a\t__label__b\twhere is it\n__label__b money back\n", MARKED, {"format": "lines"}
    ),
    Input("marks", "c.train", "__label__b  __label__a   where is it\n__label__b   money back\n", MARKED),
    Input("marks", "d.txt", "__label__a __label__b where is it\r\n\r\n__label__b money back\r\n", MARKED),
    Input(
        "marks", "e.txt", "__label__a , where\n__label__b is\n", [(", where", ("__label__a",)), ("is", ("__label__b",))]
    ),
    Input("marks", "f.txt", "__label__a\n", "D106"),
    Input("marks", "g.txt", "__label__a __label__b\n", "D106"),
    Input(
        "marks",
        "h.txt",
        "__label__b where __label__a is it\n",
        [("where __label__a is it", ("__label__b",))],
        {"tokenize": "whitespace"},
    ),
    Input(
        "marks",
        "i.txt",
        "where is it __label__a\nmoney back __label__b\nnow __label__a\n",
        [("where is it", ("__label__a",)), ("money back", ("__label__b",)), ("now", ("__label__a",))],
        LAST,
    ),
    Input(
        "marks",
        "j.txt",
        "where is it __label__a\nmoney back __label__b\nnow then __label__a\n",
        [("is it __label__a", ("where",)), ("back __label__b", ("money",)), ("then __label__a", ("now",))],
        {"tokenize": "whitespace"},
        told="set `data.label_position: last`",
    ),
    # Values that mean that there is no label (case 39).
    Input(
        "no label",
        "a.jsonl",
        lines({"text": "a", "label": 0}, {"text": "b", "label": -1}, {"text": "c", "label": 1}),
        [("a", ("0",)), ("b", ("-1",)), ("c", ("1",))],
        told="occurs with labels numbered from 0",
    ),
    Input(
        "no label",
        "b.csv",
        "text,label\na,0\nb,-1\nc,2\n",
        [("a", ("0",)), ("b", ("-1",)), ("c", ("2",))],
        told="occurs with labels numbered from 0",
    ),
    Input(
        "no label",
        "c.jsonl",
        lines({"text": "a", "label": 0}, {"text": "b", "label": -1}),
        [("a", ("0",))],
        {"no_label": [-1]},
        skipped=1,
    ),
    Input("no label", "d.csv", "text,label\na,x\nb,\nc,n/a\n", [("a", ("x",))], {"no_label": ["", "n/a"]}, skipped=2),
    Input(
        "no label",
        "e.jsonl",
        lines({"text": "a", "label": "x"}, {"text": "b", "label": None}),
        [("a", ("x",))],
        {"no_label": [None]},
        skipped=1,
    ),
    Input("no label", "f.csv", "text,label\na,1\nb,-1\n", [("a", ("1",)), ("b", ("-1",))]),
    Input(
        "no label",
        "g.csv",
        "text,label\na,0\nb,-1\n",
        [("a", ("no",)), ("b", ("unsure",))],
        {"label_names": {0: "no", "-1": "unsure"}},
    ),
    Input("no label", "h.csv", "text,label\na,-2\nb,-1\nc,2\n", [("a", ("-2",)), ("b", ("-1",)), ("c", ("2",))]),
    Input(
        "no label",
        "i.jsonl",
        lines({"text": "a", "label": ["x", "none"]}, {"text": "b", "label": ["none"]}, {"text": "c", "label": []}),
        [("a", ("x",)), ("c", ())],
        {"no_label": ["none"]},
        skipped=1,
    ),
    Input("no label", "j.csv", "text,label\na,x\nb,\n", "D123", told="no_label"),
    Input(
        "no label",
        "k.jsonl",
        lines({"text": "a", "label": -1}, {"text": "b", "label": -1}),
        [("a", ("-1",)), ("b", ("-1",))],
        told="label -1 occurs",
    ),
    # Numbers with names.
    Input("names", "a.csv", "text,label\nwhere is it,0\na b,1\n", TWO, {"label_names": ["ask", "say"]}),
    Input(
        "names",
        "b.jsonl",
        lines({"text": "where is it", "label": 7}, {"text": "a b", "label": "say"}),
        TWO,
        {"label_names": {7: "ask", 8: "say"}},
    ),
    Input(
        "names", "c.csv", "text,label\na,2\n", "D123", {"label_names": ["ask", "say"]}, told="no name for the label 2"
    ),
    Input(
        "names",
        "d.jsonl",
        lines({"text": "a", "label": [0, 1]}),
        [("a", ("ask", "say"))],
        {"label_names": ["ask", "say"]},
    ),
    Input("names", "e.csv", "text,label\na,0\nb,-1\n", "D123", {"label_names": ["ask"]}, told="no_label"),
    # The label behind the text, and other encodings (case 67).
    Input("label last", "a.txt", "rose by 8 % .@up\nfell .@down\nat 5 @ 7@flat\n", ENDS, {**LAST, "delimiter": "@"}),
    Input("label last", "b.txt", "rose by 8 % . up\nfell . down\nat 5 @ 7 flat\n", ENDS, LAST),
    Input(
        "label last", "c.txt", "rose by 8 % .\tup\nfell .\tdown\nat 5 @ 7\tflat\n", ENDS, {**LAST, "delimiter": "tab"}
    ),
    Input("label last", "d.txt", "rose by 8 % .@up\r\nfell .@down\r\nat 5 @ 7@flat", ENDS, {**LAST, "delimiter": "@"}),
    Input(
        "label last", "e.txt", "rose by 8 % . @ up\nfell . @ down\nat 5 @ 7 @ flat\n", ENDS, {**LAST, "delimiter": "@"}
    ),
    Input("label last", "f.txt", "rose\nfell .@down\n", "D123", {**LAST, "delimiter": "@"}, told="no label after"),
    Input("label last", "g.txt", "@up\n", "D106", {**LAST, "delimiter": "@"}),
    Input("label last", "h.txt", "rose@\n", "D123", {**LAST, "delimiter": "@"}),
    Input(
        "label last",
        "i.txt",
        "it rose .@up\nit fell .@down\nhe rose .@up\n",
        [("rose .@up", ("it",)), ("fell .@down", ("it",)), ("rose .@up", ("he",))],
        {"tokenize": "whitespace"},
        told='set `data.label_position: last` and `data.delimiter: "@"`',
    ),
    Input(
        "label last",
        "j.txt",
        "très cher@prix\n".encode("latin-1"),
        "D104",
        {**LAST, "delimiter": "@"},
        told="data.encoding: latin-1",
    ),
    Input(
        "label last",
        "k.txt",
        "très cher@prix\n".encode("latin-1"),
        [("très cher", ("prix",))],
        {**LAST, "delimiter": "@", "encoding": "latin-1"},
    ),
    Input(
        "label last",
        "l.csv",
        "text,label\nтак себе,да\n".encode("cp1251"),
        [("так себе", ("да",))],
        {"encoding": "cp1251"},
    ),
    Input(
        "label last", "m.txt", "prix très cher\n".encode("utf-16"), [("très cher", ("prix",))], {"encoding": "utf-16"}
    ),
    # Fields that have other names.
    Input(
        "fields",
        "a.csv",
        "utterance,intent\nwhere is it,ask\na b,say\n",
        TWO,
        told="text: `utterance`; label: `intent`",
    ),
    Input("fields", "b.csv", "Text,Label\nwhere is it,ask\na b,say\n", TWO, told="text: `Text`; label: `Label`"),
    Input(
        "fields",
        "c.jsonl",
        lines({"sentence": "where is it", "labels": ["ask"]}, {"sentence": "a b", "labels": ["say"]}),
        TWO,
    ),
    Input(
        "fields",
        "d.jsonl",
        lines({"kommentar": "where is it", "klasse": 3, "id": "k"}),
        [("where is it", ("3",))],
        told="text: `kommentar`; label: `klasse`; id: `id`",
    ),
    Input("fields", "e.csv", "kommentar,klasse\nwhere is it,ask\n", "D116", told="several could be the text"),
    Input("fields", "f.csv", "kommentar,label\nwhere is it,ask\na b,say\n", TWO, told="text: `kommentar`"),
    Input("fields", "g.csv", "review,content,label\nx,y,z\n", "D116", told="`review` or `content`"),
    Input("fields", "h.csv", "premise,hypothesis,label\nx,y,z\n", "D116", told="data.second_field: hypothesis"),
    Input(
        "fields",
        "i.csv",
        "premise,hypothesis,label\nx,y,z\n",
        [("x|y", ("z",))],
        {"second_field": "hypothesis"},
        told="text: `premise`; second text: `hypothesis`",
    ),
    Input("fields", "j.csv", "text,url\nwhere is it,example\n", "D116", told="no field `label`"),
    Input("fields", "k.csv", "text,topic,stars\nwhere is it,x,5\n", "D116", told="`topic` or `stars`"),
    Input(
        "fields",
        "l.jsonl",
        lines({"title": "a", "label": "x"}, {"title": "a", "text": "b", "label": "y"}),
        "D116",
        told="`title` was used as the text",
    ),
    # Exports of annotation tools.
    Input(
        "tools",
        "a.jsonl",
        lines(
            {"id": 1, "text": "where is it", "label": ["ask"]},
            {"id": 2, "text": "x", "label": []},
            {"id": 3, "text": "a b", "label": ["say"]},
        ),
        TWO,
        {"preset": "doccano"},
        skipped=1,
    ),
    Input(
        "tools",
        "b.csv",
        "id,data,label\n1,where is it,ask\n2,a b,say#ask\n",
        [("where is it", ("ask",)), ("a b", ("ask", "say"))],
        {"preset": "doccano"},
    ),
    Input(
        "tools",
        "c.json",
        json.dumps(
            [
                {
                    "id": 1,
                    "data": {"text": "where is it"},
                    "annotations": [
                        {"result": [{"value": {"choices": ["ask"]}, "from_name": "intent", "type": "choices"}]}
                    ],
                },
                {"id": 2, "data": {"text": "x"}, "annotations": []},
                {"id": 3, "data": {"text": "y"}, "annotations": [{"was_cancelled": True, "result": []}]},
                {"id": 4, "data": {"text": "a b"}, "annotations": [{"result": [{"value": {"choices": ["say"]}}]}]},
            ],
            indent=1,
        ),
        TWO,
        told="preset: label_studio",
        skipped=2,
    ),
    Input(
        "tools",
        "d.json",
        json.dumps(
            [
                {"text": "where is it", "id": 1, "intent": "ask", "annotator": 1, "annotation_id": 1, "lead_time": 2.5},
                {"text": "x", "id": 2, "annotator": 1, "annotation_id": 2, "lead_time": 2.5},
                {
                    "text": "a b",
                    "id": 3,
                    "intent": {"choices": ["say", "ask"]},
                    "annotator": 1,
                    "annotation_id": 3,
                    "lead_time": 2,
                },
            ]
        ),
        [("where is it", ("ask",)), ("a b", ("ask", "say"))],
        told="preset: label_studio",
        skipped=1,
    ),
    Input(
        "tools",
        "e.json",
        json.dumps(
            [
                {
                    "id": 1,
                    "data": {"text": "x"},
                    "annotations": [
                        {"result": [{"value": {"choices": ["ask"]}}]},
                        {"result": [{"value": {"choices": ["say"]}}]},
                    ],
                },
            ]
        ),
        "D123",
        told="annotators disagree: ask and say",
    ),
    Input(
        "tools",
        "f.json",
        json.dumps(
            [
                {
                    "id": 1,
                    "data": {"text": "x"},
                    "annotations": [
                        {"result": [{"value": {"choices": ["ask"]}}]},
                        {"ground_truth": True, "result": [{"value": {"choices": ["say"]}}]},
                    ],
                },
            ]
        ),
        [("x", ("say",))],
    ),
    Input(
        "tools",
        "g.json",
        json.dumps(
            [
                {
                    "id": 1,
                    "data": {"text": "x"},
                    "annotations": [
                        {
                            "result": [
                                {"value": {"choices": ["ask"]}, "from_name": "intent"},
                                {"value": {"choices": ["bad"]}, "from_name": "mood"},
                            ]
                        }
                    ],
                },
            ]
        ),
        "D116",
        told="`intent` or `mood`",
    ),
    Input(
        "tools",
        "h.jsonl",
        lines(
            {"text": "where is it", "label": "ask", "answer": "accept"},
            {"text": "x", "label": "ask", "answer": "reject"},
            {"text": "y", "label": "ask", "answer": "ignore"},
            {"text": "a b", "label": "say", "answer": "accept"},
        ),
        TWO,
        told="preset: prodigy",
        skipped=2,
    ),
    Input(
        "tools",
        "i.jsonl",
        lines({"text": "a b", "options": [{"id": "ask"}, {"id": "say"}], "accept": ["ask", "say"], "answer": "accept"}),
        [("a b", ("ask", "say"))],
        told="preset: prodigy",
    ),
    Input("tools", "j.jsonl", lines({"text": "a b", "label": "x"}), "D107", {"preset": "prodigy"}, told="no `answer`"),
    Input(
        "tools", "k.jsonl", lines({"text": "what is it?", "answer": "a box", "label": "x"}), [("what is it?", ("x",))]
    ),
    # Line ends, packed files and forms.
    Input("forms", "a.csv", "text,label\rwhere is it,ask\ra b,say\r", TWO),
    Input("forms", "b.txt", "ask where is it\rsay a b\r", TWO),
    Input("forms", "c.txt", "ask where is it\nsay a b\rc\n", "D124"),
    Input("forms", "d.json", '[["where is it", "ask"], ["a b", "say"]]', TWO),
    Input(
        "forms", "e.json", '{"data": [{"text": "where is it", "label": "ask"}, {"text": "a b", "label": "say"}]}', TWO
    ),
    Input("forms", "f.jsonl", '["where is it", "ask"]\n["a b", "say"]\n', TWO),
    Input("forms", "g.csv", "text;label\nwhere is it;ask\na b;say\n", TWO),
]
