"""Corpora that try to break a reader, made from a seed: damaged, wrong, huge, or honest and hard to read."""

from __future__ import annotations

import bz2
import csv
import gzip
import io
import json
import lzma
import random
import zipfile
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from typing import Any

CONLL = "task: {type: token_classification}\ndata: {format: conll, train: '{path}'"
SPANS = "task: {type: token_classification}\ndata: {format: jsonl, train: '{path}'"
TEXTS = "task: {type: text_classification}\ndata: {format: texts, train: '{path}'"
CSV = f"{TEXTS}, form: csv"
LINES = f"{TEXTS}, form: lines"
DOCUMENT = f"{TEXTS}, form: json"
RECORDS = f"{TEXTS}, form: jsonl"
ANY_SPANS = "task: {type: token_classification}\ndata: {train: '{path}'"
ANY_TEXTS = "task: {type: text_classification}\ndata: {train: '{path}'"
SPANS_DOCUMENT = f"{ANY_SPANS}, format: json"
SPANS_CSV = f"{ANY_SPANS}, format: csv"
KAGGLE, CONLLU, GERMEVAL = (f"{ANY_SPANS}, preset: {name}" for name in ("kaggle_ner", "conllu", "germeval"))
DOCCANO, STUDIO, PRODIGY, SPACY, GLINER, BRAT = (
    f"{ANY_SPANS}, preset: {name}" for name in ("doccano", "label_studio", "prodigy", "spacy", "gliner", "brat")
)
COLUMNS = f"{ANY_SPANS}, format: conll, separator: tab, columns: 3, sentence_column: 0, token_column: 1, tag_column: 2"
ONE_HOT = f"{ANY_TEXTS}, format: csv, label_field: [good, bad]"
LAST = f"{ANY_TEXTS}, format: lines, label_position: last, delimiter: '@'"
FASTTEXT = f"{ANY_TEXTS}, format: lines, multi_separator: '|'"
ANY = f"{ANY_TEXTS}, format: auto"
FORMATS = (
    CONLL, SPANS, TEXTS, CSV, LINES, DOCUMENT, RECORDS, SPANS_DOCUMENT, SPANS_CSV, KAGGLE, CONLLU, GERMEVAL, DOCCANO,
    STUDIO,    PRODIGY, SPACY, GLINER, COLUMNS, ONE_HOT, LAST, FASTTEXT, ANY, ANY_SPANS,
)  # fmt: skip
# What is put at the end of a config's ``data``, so that every hostile corpus is read forgivingly too.
OPTIONS = ("", ", on_bad_line: skip", ", dev_share: 0.3, max_examples: 7")
# Keys of spans that change what becomes of odd ones, and an encoding that is wrong.
SPAN_OPTIONS = (
    "", ", bad_spans: drop", ", bad_spans: widen, overlaps: longest", ", bad_spans: skip, overlaps: outermost",
    ", span_unit: utf16", ", span_unit: bytes, span_end: inclusive", ", span_unit: tokens, span_base: 1",
    ", strip_spans: true, strip_invisible: true, normalise: nfkc", ", tokenize: characters", ", encoding: latin-1",
    ", encoding: utf-16", ", encoding: cp037", ", overlaps: innermost, bad_tags: repair",
    ", tag_names: [O, B-PER, I-PER]",
    ", scheme: io", ", rename_labels: {PER: null}",
)  # fmt: skip

WORDS = (
    "word", "Oslo", "B-PER", "O", "\u202eturned", "\u2066in", "\u200b", "\u2028", "\u2029", "\x85", "\x00", "\x1b[31m",
    "\ufeff", "e\u0301" * 50, "\U0001f468\u200d\U0001f469\u200d\U0001f467", "\U000e0041", "\u0600", "\ufdfd",
    "\U0010ffff", "\ud7ff", "\x07", "\xa0", "\u3000", "x" * 5000, '"', "'", "\\", "=1+1", "<script>", "{{7*7}}",
    "${x}", "%s", "-", "--", "#", "NaN", "null",
)  # fmt: skip
DIGITS = 1_000_000
NESTED = 100_000

Case = tuple[str, bytes, str]
Kind = Callable[[random.Random], tuple[bytes, str]]


def generated_corpora(seed: int, count: int, leave_out: Collection[str] = ()) -> Iterator[Case]:
    """``count`` corpora: a name, the content of the file, and a config's ``task`` and ``data`` as YAML.

    ``{path}`` in the YAML is the place of the file (replace it; the text has other braces). Every kind comes in turn,
    each time with other draws; the same seed gives the same corpora. Those of kinds to ``leave_out`` are not made.
    """
    for number in range(count):
        kind = KINDS[number % len(KINDS)]
        name = kind.__name__.strip("_")
        if name in leave_out:
            continue
        chance = random.Random(f"{seed}-{number}")
        content, config = kind(chance)
        name = f"{number:04d}-{name}"
        config += OPTIONS[number // len(KINDS) % len(OPTIONS)]
        if "type: token" in config and chance.random() < 0.5:
            config += _free(config, chance.choice(SPAN_OPTIONS))
        yield name, content, config + "}\n"


def _free(config: str, keys: str) -> str:
    """Keys that the config has not yet."""
    named = {part.partition(":")[0].strip() for part in config.split(",")}
    return keys if not named & {part.partition(":")[0].strip() for part in keys.split(",") if part.strip()} else ""


def _sound(chance: random.Random, config: str) -> bytes:
    """A small corpus of the form that a config asks for, of hard but honest words."""
    count = chance.randint(1, 30)
    draw = lambda: chance.choice(WORDS) if chance.random() < 0.2 else f"w{chance.randrange(50)}"  # noqa: E731
    label = lambda: chance.choice(("PER", "LOC", "a b", "é"))  # noqa: E731
    if config == CONLL:
        rows = (
            f"{draw()} {chance.choice(('O', 'O', f'B-{label()[:3]}'))}\n" + "\n" * (n % 5 == 4) for n in range(count)
        )
        return "".join(rows).encode()
    if config == SPANS:
        made = ({"tokens": ["a", draw(), "b"], "spans": [[1, 2, label()]]} for _ in range(count))
        return "".join(json.dumps(one) + "\n" for one in made).encode()
    if config == CSV:
        return b"text,label\n" + "".join(f'"{draw()}",{label()}\n' for _ in range(count)).encode()
    if config == LINES:
        return "".join(f"{label()[:3]} text {draw()}\n" for _ in range(count)).encode()
    if config == DOCUMENT:
        return json.dumps({"train": [[f"text {draw()}", label()] for _ in range(count)]}).encode()
    texts = [(f"text {draw()} é 😀 end", label()) for _ in range(count)]
    if config in _OF_TEXTS:
        return _OF_TEXTS[config](texts).encode()
    if config in _OF_SPANS:
        return _OF_SPANS[config]([(text, [5, 7 + (n % 2), name]) for n, (text, name) in enumerate(texts)]).encode()
    return "".join(json.dumps({"text": f"t {draw()}", "label": label()}) + "\n" for _ in range(count)).encode()


def _lines(records: Iterable[Any]) -> str:
    return "".join(json.dumps(one) + "\n" for one in records)


def _table(rows: Iterable[Sequence[Any]], delimiter: str = ",") -> str:
    made = io.StringIO()
    csv.writer(made, delimiter=delimiter, lineterminator="\n").writerows(rows)
    return made.getvalue()


def _cells(given: Sequence[tuple[str, list[Any]]], form: str, blank: str = "\n") -> str:
    """Columns: ``form`` with the number of the sentence and of the token, the token and its tag."""
    made = []
    for number, (text, span) in enumerate(given, 1):
        words = [word for word in text.split(" ") if word.strip() and "\r" not in word and "\n" not in word]
        tags = [f"B-{span[2][:1]}" if at == 1 else "O" for at in range(len(words))]
        made += [
            form.format(n=number, at=at, word=w, tag=t) for at, (w, t) in enumerate(zip(words, tags, strict=True), 1)
        ]
        made.append(blank)
    return "".join(made)


_OF_TEXTS: dict[str, Callable[[Sequence[tuple[str, str]]], str]] = {
    ONE_HOT: lambda rows: _table([("text", "good", "bad"), *((t, n % 2, 1 - n % 2) for n, (t, _) in enumerate(rows))]),
    LAST: lambda rows: "".join(f"{text}@{label}\n" for text, label in rows),
    FASTTEXT: lambda rows: "".join(f"__label__{label[:1]} __label__x {text}\n" for text, label in rows),
    ANY: lambda rows: _table([("id", "review", "sentiment"), *((n, *row) for n, row in enumerate(rows))], ";"),
}
_OF_SPANS: dict[str, Callable[[Sequence[tuple[str, list[Any]]]], str]] = {
    SPANS_DOCUMENT: lambda rows: json.dumps({"version": 1, "data": [{"text": t, "spans": [s]} for t, s in rows]}),
    SPANS_CSV: lambda rows: _table([("text", "spans"), *((text, str([span])) for text, span in rows)]),
    KAGGLE: lambda rows: "Sentence #,Word,Tag\n" + _cells(rows, "Sentence: {n},x{at},{tag}\n", ""),
    CONLLU: lambda rows: _cells(rows, "{at}\t{word}\t" + "_\t" * 7 + "SpaceAfter=No|name={tag}\n"),
    GERMEVAL: lambda rows: "#\tsource\n" + _cells(rows, "{at}\t{word}\t{tag}\tO\n"),
    DOCCANO: lambda rows: _lines({"id": n, "text": t, "label": [s], "Comments": []} for n, (t, s) in enumerate(rows)),
    STUDIO: lambda rows: json.dumps([
        {"data": {"text": t}, "annotations": [{"was_cancelled": False, "result": [
            {"type": "labels", "value": {"start": s[0], "end": s[1], "labels": [s[2]]}}]}]}
        for t, s in rows
    ]),
    PRODIGY: lambda rows: _lines(
        {"text": t, "spans": [{"start": s[0], "end": s[1], "label": s[2]}], "answer": ("accept", "reject")[n % 2]}
        for n, (t, s) in enumerate(rows)
    ),
    SPACY: lambda rows: json.dumps([[text, {"entities": [span]}] for text, span in rows]),
    GLINER: lambda rows: json.dumps([{"tokenized_text": t.split(" "), "ner": [[1, 1, s[2]]]} for t, s in rows]),
    COLUMNS: lambda rows: _cells(rows, "{n}\t{word}\t{tag}\n", ""),
    ANY_SPANS: lambda rows: _lines({"sentence": t, "entities": {s[2]: [[s[0], s[1]]]}} for t, s in rows),
}  # fmt: skip


def _of_any(change: Callable[[random.Random, bytes], bytes]) -> Kind:
    """A sound corpus of any form, changed."""

    def made(chance: random.Random) -> tuple[bytes, str]:
        config = chance.choice(FORMATS)
        return change(chance, _sound(chance, config)), config

    made.__name__ = change.__name__
    return made


def honest(chance: random.Random, content: bytes) -> bytes:
    return content


def random_bytes(chance: random.Random, content: bytes) -> bytes:
    return chance.randbytes(chance.choice((1, 2, 100, 100_000)))


def flipped_bytes(chance: random.Random, content: bytes) -> bytes:
    damaged = bytearray(content)
    for _ in range(chance.randint(1, 20)):
        damaged[chance.randrange(len(damaged))] = chance.randrange(256)
    return bytes(damaged)


def cut_short(chance: random.Random, content: bytes) -> bytes:
    return content[: chance.randrange(len(content))]


def other_encoding(chance: random.Random, content: bytes) -> bytes:
    encoding = chance.choice(
        ("utf-16", "utf-16-le", "utf-16-be", "utf-32", "latin-1", "cp1252", "gb18030", "utf-7", "cp037")
    )
    return content.decode().encode(encoding, "replace")


def byte_order_marks(chance: random.Random, content: bytes) -> bytes:
    mark = chance.choice((b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff", b"\xef\xbb\xbf" * 2, b"\xff\xfe\x00\x00"))
    return chance.choice((mark + content, content.replace(b"\n", b"\n" + mark), mark))


def mixed_line_ends(chance: random.Random, content: bytes) -> bytes:
    ends = ("\n", "\r\n", "\r", "\n\r", "\x0b", "\x0c", "\x85", "\u2028", "\n\n\n", "\x1c")
    return b"".join(line + chance.choice(ends).encode() for line in content.split(b"\n"))


def nul_bytes(chance: random.Random, content: bytes) -> bytes:
    return chance.choice(
        (b"\x00" * 1000, content.replace(b" ", b"\x00"), b"\x00".join(content.split(b"\n")), b"\x00" + content)
    )


def surrogates(chance: random.Random, content: bytes) -> bytes:
    return content.replace(
        b"w", chance.choice((b"\xed\xa0\x80", b"\\ud800", b"\xf4\x90\x80\x80", b"\xc0\xaf", b"\\udfff\\ud800"))
    )


def nothing_to_read(chance: random.Random, content: bytes) -> bytes:
    return chance.choice(
        (b"", b"\n", b"\n" * 10_000, b" ", b"\t\n \n", b"\xef\xbb\xbf", b"\r\n\r\n", b"{}", b"[]", b"null\n")
    )


def damaged_gzip(chance: random.Random, content: bytes) -> bytes:
    zipped = bytearray(gzip.compress(content, mtime=0))
    how = chance.randrange(5)
    if how == 0:
        return bytes(zipped[: chance.randrange(2, len(zipped))])
    if how == 1:
        zipped[chance.randrange(2, len(zipped))] ^= 1 << chance.randrange(8)
        return bytes(zipped)
    if how == 2:
        return bytes(zipped) + chance.randbytes(50)
    return bytes(zipped) * 2 if how == 3 else gzip.compress(bytes(zipped), mtime=0)


def many_gzip_members(chance: random.Random, content: bytes) -> bytes:
    return gzip.compress(content, mtime=0) * chance.choice((2, 100, 1000)) + gzip.compress(b"", mtime=0) * 1000


def gzip_bomb(chance: random.Random, content: bytes) -> bytes:
    """A hundred megabytes or more in a few hundred kilobytes: of one byte without a line end, or of short lines."""
    unit = chance.choice((b"\x00", b"a", b"\n", b" ", b"a O\n", b"{", b'"', b"[", b"\\"))
    member = gzip.compress(unit * (16_000_000 // len(unit)), mtime=0)
    return (gzip.compress(content, mtime=0) if chance.random() < 0.5 else b"") + member * chance.choice((4, 8))


def packed(chance: random.Random, content: bytes) -> bytes:
    """In bz2, xz or a zip of one or several files; whole, cut, or with a bit changed."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", chance.choice((zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED))) as made:
        for at in range(chance.choice((0, 1, 1, 1, 2))):
            made.writestr(f"{at}.txt", content)
    found = bytearray(chance.choice((bz2.compress(content), lzma.compress(content), archive.getvalue())))
    how = chance.randrange(3)
    if how == 1:
        return bytes(found[: chance.randrange(2, len(found))])
    if how == 2:
        found[chance.randrange(2, len(found))] ^= 1 << chance.randrange(8)
    return bytes(found)


def damaged_table(chance: random.Random, content: bytes) -> bytes:
    """Parquet or Arrow, whole or damaged, where pyarrow is here."""
    try:
        import pyarrow
        from pyarrow import ipc, parquet
    except ImportError:
        return b"PAR1" + chance.randbytes(200)
    table = pyarrow.table({"text": ["a b", "c"] * 50, "label": ["x", "y"] * 50, "spans": [[], []] * 50})
    file = io.BytesIO()
    if chance.random() < 0.5:
        parquet.write_table(table, file)
    else:
        with ipc.new_file(file, table.schema) as made:
            made.write_table(table)
    found = bytearray(file.getvalue())
    for _ in range(chance.choice((0, 1, 5, 50))):
        found[chance.randrange(len(found))] = chance.randrange(256)
    return bytes(found[: len(found) - chance.choice((0, 0, 1, 100))])


def changed_lines(chance: random.Random, content: bytes) -> bytes:
    """Lines twice, exchanged, left out, or cut in the middle."""
    lines = content.split(b"\n")
    for _ in range(chance.randint(1, 6)):
        one, other = chance.randrange(len(lines)), chance.randrange(len(lines))
        how = chance.randrange(4)
        if how == 0:
            lines.insert(one, lines[other])
        elif how == 1:
            lines[one], lines[other] = lines[other], lines[one]
        elif how == 2:
            lines[one] = lines[one][: chance.randrange(len(lines[one]) + 1)]
        else:
            lines[one] = b""
    return b"\n".join(lines)


def inserted(chance: random.Random, content: bytes) -> bytes:
    """Characters that mean something to some reader, anywhere."""
    odd = (
        '"', "'", "[", "]", "{", "}", ",", ";", "\t", "|", "#", "\\", "\0", "\r", "\ufeff", "\n", "\n\n", "-DOCSTART- ",
        "9" * 400, "-1", "1e400", "NaN", "[" * 3000, '{"a":' * 3000, "__label__", "\u2028", "w" * 100_000, "\\ud800",
        "null", " O", " B-X",
    )  # fmt: skip
    for _ in range(chance.choice((1, 1, 3, 20))):
        at = chance.randrange(len(content) + 1)
        content = content[:at] + chance.choice(odd).encode() + content[at:]
    return content


def other_archives(chance: random.Random, content: bytes) -> bytes:
    return chance.choice(
        (b"PK\x03\x04", b"PAR1", b"\xfd7zXZ\x00", b"BZh9", b"\x28\xb5\x2f\xfd", b"%PDF-1.7")
    ) + chance.randbytes(500)


def long_line(chance: random.Random, content: bytes) -> bytes:
    """A line of up to 40 MB, with or without lines around it."""
    unit = chance.choice((b"x", b"a ", b'"', b",", b"\t", "\u0301".encode(), b"\xff"))
    line = unit * (chance.choice((3_000_000, 20_000_000, 40_000_000)) // len(unit))
    return chance.choice((line, content + line + b"\n" + content, line + b"\n" + content))


def wrong_columns(chance: random.Random) -> tuple[bytes, str]:
    config = chance.choice((CONLL, CSV, LINES))
    separator = chance.choice((" ", "\t", ",", ";", "|", "  ", "\xa0"))
    rows = (separator.join(chance.choice(WORDS) for _ in range(chance.randrange(6))) for _ in range(50))
    return "\n".join(rows).encode(), config


def many_columns(chance: random.Random) -> tuple[bytes, str]:
    config, separator = chance.choice(((CONLL, " "), (CSV, ","), (CONLL, "\t")))
    head = "text,label," if config == CSV else ""
    return (head + separator.join(map(str, range(chance.choice((1000, 300_000))))) + "\n").encode() * 2, config


def odd_tags(chance: random.Random) -> tuple[bytes, str]:
    tags = (
        "O",
        "B-",
        "-",
        "B",
        "I-PER",
        "E-X",
        "S-X",
        "M-X",
        "U-X",
        "b-per",
        "B-" + "L" * 3000,
        "B-\u202ePER",
        "B-\x1b[2J",
        "B-a\u2028b",
    )
    scheme = chance.choice(("", ", scheme: iob1", ", scheme: bioes", ", bad_tags: repair"))
    rows = (f"w{n} {chance.choice(tags)}\n" + "\n" * (chance.random() < 0.2) for n in range(60))
    return "".join(rows).encode(), CONLL + scheme


def open_quotes(chance: random.Random) -> tuple[bytes, str]:
    """CSV cells that are never closed, over a few lines or many megabytes."""
    tail = chance.choice(("a", "a\n", ",\n", '""', "a,b\n")) * chance.choice((10, 10_000, 5_000_000))
    return ("text,label\na,b\n" + chance.choice(('"', 'x,"', '"a"b,')) + tail).encode(), CSV


def broken_json(chance: random.Random) -> tuple[bytes, str]:
    config = chance.choice((SPANS, RECORDS, DOCUMENT, TEXTS))
    content = _sound(chance, config).decode()
    swaps = (
        ("{", ""),
        ("}", "}}"),
        (":", ","),
        ('"', "'"),
        (",", ",,"),
        ('"', ""),
        ("[", "("),
        ("}", "},"),
        ("t", "\t"),
        ("{", "{{"),
    )
    return content.replace(*chance.choice(swaps)).encode(), config


def nested_json(chance: random.Random) -> tuple[bytes, str]:
    depth = chance.choice((500, 2000, NESTED, 1_000_000))
    begin, end = chance.choice((("[", "]"), ('{"a":', "}"), ('[{"a":', "}]")))
    inner = begin * depth + "1" + end * depth * chance.choice((0, 1))
    whole = chance.choice(('{"text": %s, "label": "a"}\n', '{"tokens": ["a"], "spans": %s}\n', '{"train": [%s]}', "%s"))
    return (whole % inner).encode(), chance.choice((SPANS, RECORDS, DOCUMENT, TEXTS))


def long_numbers(chance: random.Random) -> tuple[bytes, str]:
    sign, tail = chance.choice(("", "-")), chance.choice(("", ".5", "e5", "e999999"))
    number = sign + "9" * chance.choice((400, 4300, 4301, DIGITS)) + tail
    forms = (
        ('{"text": "a", "label": %s}\n', RECORDS), ('{"text": "a", "label": "x", "id": %s}\n', RECORDS),
        ('{"tokens": ["a"], "spans": [[0, %s, "X"]]}\n', SPANS), ('{"train": [["a", %s]]}', DOCUMENT),
    )  # fmt: skip
    form, config = chance.choice(forms)
    return (form % number).encode(), config


def many_fields(chance: random.Random) -> tuple[bytes, str]:
    """An object of up to a million fields, honest or with one that stands twice."""
    count = chance.choice((1000, 100_000, 1_000_000))
    fields = ", ".join(f'"f{n}": {n}' for n in range(count))
    twice = chance.choice(("", ', "f7": 1'))
    config = chance.choice((SPANS, RECORDS, DOCUMENT, TEXTS))
    return f'{{"text": "a", "tokens": ["a"], "label": "x", {fields}{twice}}}\n'.encode(), config


def wrong_types(chance: random.Random) -> tuple[bytes, str]:
    odd = (
        None,
        True,
        0,
        -1,
        1.5,
        "",
        "x",
        [],
        {},
        [[]],
        [None],
        {"a": {"b": 1}},
        ["a", 1],
        10**30,
        [[0, 1, "X"]],
        [{"start": 0}],
    )
    keys = ("text", "tokens", "label", "labels", "spans", "tags", "id", "second")
    made = ({key: chance.choice(odd) for key in keys if chance.random() < 0.6} for _ in range(40))
    return "".join(json.dumps(one) + "\n" for one in made).encode(), chance.choice((SPANS, RECORDS, TEXTS))


def odd_numbers_in_json(chance: random.Random) -> tuple[bytes, str]:
    odd = chance.choice(("NaN", "Infinity", "-Infinity", "1e999", "-0", "0x10", "01", "1_000", "1e-999"))
    form, config = chance.choice(
        (('{"text": "a", "label": %s}\n', RECORDS), ('{"tokens": ["a"], "spans": [[%s, 1, "X"]]}\n', SPANS))
    )
    return (form % odd).encode() * 3, config


def many_spans(chance: random.Random) -> tuple[bytes, str]:
    """Thousands of spans of one sentence: apart, nested, or all alike."""
    count = chance.choice((100, 3000))
    forms = (
        [[n, n + 1, "X"] for n in range(count)],
        [[0, n + 1, "X"] for n in range(count)],
        [[0, 1, f"L{n}"] for n in range(count)],
    )
    record = {"tokens": ["a"] * count, "spans": chance.choice(forms)}
    return (json.dumps(record) + "\n").encode(), SPANS + chance.choice(("", ", overlaps: longest"))


def many_labels(chance: random.Random) -> tuple[bytes, str]:
    count = chance.choice((100, 20_000))
    if chance.random() < 0.5:
        return "".join(f"w B-L{n}\n\n" for n in range(count)).encode(), CONLL
    return "".join(json.dumps({"text": f"t {n}", "label": f"L{n}"}) + "\n" for n in range(count)).encode(), RECORDS


def many_bad_lines(chance: random.Random) -> tuple[bytes, str]:
    unit = chance.choice((b"x\n", b"\xff\n", b"{\n", b"a b c\na b\n\n", b"B-X B-X\n\n", b'"\n', b"[1]\n"))
    return unit * chance.choice((1000, 100_000)), chance.choice(FORMATS)


def endless_sentence(chance: random.Random) -> tuple[bytes, str]:
    """One sentence, or one text, of very many tokens."""
    count = chance.choice((10_000, 500_000))
    forms = (
        (b"w O\n" * count, CONLL), (b'{"text": "' + b"w " * count + b'", "label": "x"}\n', RECORDS),
        (json.dumps({"tokens": ["w"] * count, "spans": []}).encode(), SPANS), (b"x " + b"w " * count + b"\n", LINES),
    )  # fmt: skip
    return chance.choice(forms)


KINDS: tuple[Kind, ...] = (
    *map(_of_any, (
        honest, random_bytes, flipped_bytes, cut_short, other_encoding, byte_order_marks, mixed_line_ends, nul_bytes,
        surrogates, nothing_to_read, damaged_gzip, many_gzip_members, gzip_bomb, other_archives, long_line, packed,
        damaged_table,        changed_lines, inserted,
    )),
    wrong_columns, many_columns, odd_tags, open_quotes, broken_json, nested_json, long_numbers, many_fields,
    wrong_types, odd_numbers_in_json, many_spans, many_labels, many_bad_lines, endless_sentence,
)  # fmt: skip
