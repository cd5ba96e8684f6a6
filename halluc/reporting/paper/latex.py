"""Tables for LaTeX: any text is escaped so that it compiles with pdfLaTeX, XeLaTeX and LuaLaTeX.

A table needs only the package booktabs. Letters that pdfLaTeX does not support are wrapped in ``\\hallucchar``:
pdfLaTeX prints their code, the other two the letter.
"""

from __future__ import annotations

import unicodedata

from halluc.reporting.views.tables import Row, TableCell, TableView
from halluc.wording import formats

LONGEST_TEXT = 200
# A wider table (in characters) spans both columns of a page, in small type: otherwise it would overlap the other
# column.
WIDEST = 52
_HEAD = r"""% \usepackage{booktabs}
\ifdefined\hallucchar\else\ifdefined\Umathchar\newcommand{\hallucchar}[2]{#2}\else\newcommand{\hallucchar}[2]{U+#1}\fi\fi
"""
_SPECIAL = {
    "\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "$": r"\$", "&": r"\&", "#": r"\#", "%": r"\%", "_": r"\_",
    "^": r"\textasciicircum{}", "~": r"\textasciitilde{}", "<": r"\textless{}", ">": r"\textgreater{}",
    "|": r"\textbar{}", '"': r"\char34{}", "`": "{`}", "'": "{'}", "-": "{-}", "[": "{[}", "]": "{]}", "*": "{*}",
    formats.MINUS: "$-$", "×": r"$\times$", "±": r"$\pm$", formats.NOTHING: "--", "—": "---",
    formats.ELLIPSIS: r"\ldots{}", "“": "``", "”": "''", "‘": "`", "’": "'", "\u00a0": "~",
}  # fmt: skip
# Accents and letters of OT1, the default encoding of a document.
_ACCENTS = frozenset("\u0300\u0301\u0302\u0303\u0304\u0306\u0307\u0308\u030a\u030b\u030c\u0327")
_LETTERS = frozenset("ßæÆøØœŒłŁ")


def escape(text: object, longest: int | None = LONGEST_TEXT) -> str:
    """Text on one line in which nothing is a command; invisible characters are escaped."""
    return "".join(map(_escape_character, formats.visible(text, longest)))


def _escape_character(char: str) -> str:
    if char in _SPECIAL:
        return _SPECIAL[char]
    if char.isascii() or char in _LETTERS:
        return char
    parts = unicodedata.normalize("NFD", char)
    if "\u00c0" <= char <= "\u017f" and len(parts) == 2 and parts[0].isascii() and parts[1] in _ACCENTS:
        return char
    return rf"\hallucchar{{{ord(char):04X}}}{{{char}}}"


def table(view: TableView, label: str) -> str:
    """A table as a file for ``\\input``; ``label`` has letters, digits and hyphens."""
    is_wide = _width(view) > WIDEST
    kind, size = ("table*", [r"\scriptsize\setlength{\tabcolsep}{3pt}"]) if is_wide else ("table", [])
    under = "" if is_wide else r"\footnotesize "
    kinds = "".join("r" if column.kind == "figure" else "l" for column in view.columns)
    heads = [escape((column.short or column.heading).strip()) or "{}" for column in view.columns]
    legend = [f"{column.short}: {column.title}" for column in view.columns if column.short and column.title]
    rows = [_row(row, under) for row in view.rows]
    totals = [r"\midrule", *(_row(row, under) for row in view.totals)] if view.totals else []
    notes = [*(f"{one}." for one in legend), *view.notes]
    below = [r"\par\smallskip", rf"{{\footnotesize {' '.join(escape(note, None) for note in notes)}\par}}"]
    return _HEAD + "\n".join(
        [
            rf"\begin{{{kind}}}",
            r"\centering",
            rf"\caption{{{escape(view.title)}}}",
            rf"\label{{tab:{label}}}",
            *size,
            rf"\begin{{tabular}}{{{kinds}}}",
            r"\toprule",
            " & ".join(heads) + r" \\",
            r"\midrule",
            *rows,
            *totals,
            r"\bottomrule",
            r"\end{tabular}",
            *(below if notes else []),
            rf"\end{{{kind}}}",
            "",
        ]
    )


def _width(view: TableView) -> int:
    """The total length of the longest cells of all columns, with a space between them."""
    heads = [len(column.short or column.heading) for column in view.columns]
    cells = [[len(f"{cell.text} {cell.under}".strip()) for cell in row] for row in (*view.rows, *view.totals)]
    return sum(max(column) + 1 for column in zip(heads, *cells, strict=True))


def _row(row: Row, under: str) -> str:
    return " & ".join(_cell(cell, under) for cell in row) + r" \\"


def _cell(cell: TableCell, under: str) -> str:
    text = escape(cell.text) or "{}"
    if cell.form != "plain":
        text = rf"\texttt{{{text}}}"
    if cell.bold:
        text = rf"\textbf{{{text}}}"
    return rf"{text} {{{under}{escape(cell.under)}}}" if cell.under else text
