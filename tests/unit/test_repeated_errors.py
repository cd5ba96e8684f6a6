"""A problem that occurs in many rows is reported once."""

from __future__ import annotations

from halluc.data.rows.row import BadLine, folded


def bad(code: str, line: int, problem: str) -> BadLine:
    return BadLine(code, "t.jsonl", line, problem, "do this", f"row {line}")


def test_the_same_problem_of_many_rows_is_one_error_with_its_places():
    rows = [
        bad("D110", line, f'span [{line}, {line + 2}] "a{line}b" cuts the token `x{line}`') for line in range(1, 21)
    ]
    [error] = folded(rows)
    assert error.message == ('span [1, 3] "a1b" cuts the token `x1` (20 lines: also t.jsonl:2, t.jsonl:3 and 17 more)')
    assert (error.code, str(error.where), error.where.text, error.help) == ("D110", "t.jsonl:1", "row 1", "do this")


def test_neither_labels_of_spans_nor_bytes_make_another_cause():
    rows = [
        bad("D110", 1, 'span [0, 2] PER "a" cuts the token "b"'),
        bad("D110", 2, 'span [4, 5] LOC "c" cuts the token "d"'),
    ]
    rows += [bad("D104", 3, "byte 0xe4 is not UTF-8"), bad("D104", 4, "byte 0xc5 is not UTF-8")]
    assert [error.message for error in folded(rows)] == [
        'span [0, 2] PER "a" cuts the token "b" (2 lines: also t.jsonl:2)',
        "byte 0xe4 is not UTF-8 (2 lines: also t.jsonl:4)",
    ]


def test_other_causes_are_errors_of_their_own():
    rows = [bad("D107", 1, "no field `a`"), bad("D106", 2, "an empty text"), bad("D107", 3, "no field `b`")]
    rows += [bad("D107", 4, "nested too deeply"), bad("D106", 9, "an empty text")]
    assert [error.message for error in folded(rows)] == [
        "no field `a` (2 lines: also t.jsonl:3)",
        "an empty text (2 lines: also t.jsonl:9)",
        "nested too deeply",
    ]


def test_one_row_is_reported_as_it_is():
    row = bad("D106", 2, "an empty text")
    [error] = folded([row])
    assert (error.message, str(error.where)) == ("an empty text", "t.jsonl:2")
    assert folded([]) == []
