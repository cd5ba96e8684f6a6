"""Whether labels stand at the end of lines."""

from __future__ import annotations

from collections.abc import Sequence

# So many lines show where labels stand; and what stands before labels at the end of a line.
_LEAST, _BEFORE_LABELS, _MARK = 3, "@|#;", "__label__"


def label_at_the_end(lines: Sequence[tuple[str, str]]) -> str | None:
    """What to set where the labels of ``LABEL text`` lines rather seem to stand at their ends.

    That is where every line ends in one and the same character and a word, and there are no more such words than first
    words; or where every line ends in a label as fastText marks it.

    Args:
        lines: the label and the text of each.
    """
    if len(lines) < _LEAST:
        return None
    if all(text.rpartition(" ")[2].startswith(_MARK) and not label.startswith(_MARK) for label, text in lines):
        return "set `data.label_position: last`"
    firsts = len({label for label, _ in lines})
    for delimiter in _BEFORE_LABELS:
        ends = [text.rpartition(delimiter)[1:] for _, text in lines]
        known = all(found and end.strip() and " " not in end.strip() for found, end in ends)
        if known and len({end.strip() for _, end in ends}) <= firsts:
            return f'set `data.label_position: last` and `data.delimiter: "{delimiter}"`'
    return None
