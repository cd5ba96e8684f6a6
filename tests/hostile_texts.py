"""Text that tries to break out of a page, a terminal or a table, and honest text that is hard to set."""

from __future__ import annotations

import json

from hypothesis import strategies as st

from tests.made_sentences import MadeExample

SCRIPT = "<script>alert(1)</script>"
IMAGE = '"><img src=x onerror=alert(1)>'
# Names of labels: markup, quotes, a formula, white space, and characters that nobody sees (a right-to-left mark, a
# zero-width space).
LABELS = (
    SCRIPT, IMAGE, "</script>", "a label with spaces and $x$", "'\"`&<", "{{7*7}}", "\u200fREP", "a\u200bb",
    "javascript:alert(1)", "$\\frac$", "|x|", "인물",
)  # fmt: skip
# What the rule of labels refuses: terminal escapes, turned direction, line breaks, what shows nothing, whole texts.
REFUSED_LABELS = (
    "\x1b[31mPER", "\x1b]0;title\x07", "PER\x9b31m", "PER\x85ORG", "PER\x7f", "\u202eREP", "a\u2066b", "PER\nORG",
    "PER\u2028ORG", "PER\rORG", "PER\x00", "\u200b", "\u202e", "y" * 1_001,
)  # fmt: skip
TOKENS = (
    SCRIPT, IMAGE, "</script><script>alert(1)</script>", "</style>", "-->", "<!--", "]]>", "{{7*7}}", "{% raw %}",
    "${7*7}", "javascript:alert(1)", "<svg/onload=alert(1)>", "<iframe src=//example.invalid>", "&lt;b&gt;", "&#0;",
    "'", '"', "`", "\\", "'-alert(1)-'", "\u202eevil\u202c", "\u2066isolated", "\u2028", "\x00", "a\x00b", "\x1b[31m",
    "\x07", "\ufeff", "\u200d", "x" * 10_000, "\U0001f468\u200d\U0001f469\u200d\U0001f467", "e\u0301" * 40,
    "[link](javascript:alert(1))", "|", "https://example.invalid/x.png", "\u0085", "\t", "constructor", "__proto__",
)  # fmt: skip
SENTENCES = (
    ("زار محمد علي مدينة القاهرة يوم الجمعة .", (1, 3), (4, 5)),
    ("דוד כהן ביקר בתל אביב אתמול .", (0, 2), (3, 5)),
    ("王 小 明 昨 天 在 北 京 说 话 。", (0, 3), (6, 8)),
    ("مرحبا from Oslo to القاهرة !", (2, 3), (4, 5)),
)


def hostile_labels() -> tuple[str, ...]:
    return LABELS


def hostile_examples(split: str = "test") -> list[MadeExample]:
    """Every hostile token as text, as gold, as a claim of each verdict, under every hostile label."""
    examples = [_about(place, token) for place, token in enumerate(TOKENS)]
    for place, (text, first, second) in enumerate(SENTENCES):
        label, other = LABELS[place], LABELS[-1 - place]
        gold = [(*first, label), (*second, other)]
        examples.append(MadeExample(text.split(), gold, [(*first, label, 0.9), (*second, label, 0.7)]))
    if split == "train":
        return [example._replace(predicted=()) for example in examples[::2]]
    return examples


def _about(place: int, token: str) -> MadeExample:
    """A sentence with the token as a name that is found, told wrongly, passed over or made up, in turn."""
    label, other = LABELS[place % len(LABELS)], LABELS[(place + 1) % len(LABELS)]
    tokens = ["So", token, "met", f"{token}-{place}", "at", token, "."]
    gold = [(1, 2, label), (3, 4, other)]
    said = [[(1, 2, label, 0.99)], [(1, 2, other, 0.97)], [(5, 6, label, 0.98)], [(1, 4, label, 0.95)]]
    return MadeExample(tokens, gold, said[place % 4])


def hostile_config() -> str:
    """A config, as YAML, whose values try the same."""
    quoted = {name: json.dumps(text) for name, text in (("script", SCRIPT), ("image", IMAGE), ("turned", "\u202eREP"))}
    return (
        f"model: {{name: {quoted['script']}}}\n"
        f"eval: {{labels: {{{quoted['image']}: {quoted['script']}, {quoted['turned']}: null}}}}\n"
        f"gates: {{hallucination_rate: {{max: 0.01, by: {{label: {quoted['image']}}}}}, omission_rate: {{max: 0.9}}}}\n"
    )


# Names of arms of a study; the last is longer than a folder may be called.
ARMS = (SCRIPT, IMAGE, "\u202eREP", "$\\frac$ {{7*7}}", "arm " * 60)


# What a terminal may obey, what turns the direction of text, and what ends a line; a line feed aside, which ends ours.
ACTING = frozenset(
    chr(code)
    for code in (
        *range(0x20), *range(0x7F, 0xA0), 0x61C, 0x200E, 0x200F, 0x2028, 0x2029, *range(0x202A, 0x202F),
        *range(0x2066, 0x206A),
    )
) - {"\n"}  # fmt: skip


def acting(text: str) -> list[str]:
    """The characters of a printed text that could act on a terminal, or that no encoding can write."""
    return [char for char in text if char in ACTING or "\ud800" <= char <= "\udfff"]


# Any text, with far more of what acts than chance would bring.
HOSTILE_TEXT = st.text(
    st.sampled_from(sorted(ACTING)) | st.sampled_from("ab[;m]\\\n\u200b\u200d\ufeff\U000e0041") | st.characters(),
    max_size=12,
)
