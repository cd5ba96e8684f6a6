"""Markdown read back by a parser: what people would see of it, and what would be markup."""

from __future__ import annotations

import re

import pytest

markdown_it = pytest.importorskip("markdown_it", reason="comes with rich, which may one day do without it")

UNSEEN = re.compile("[\u200b\u2068\u2069]")
# What GitHub links after the Markdown is read, so that escaping does not help.
LINKED = re.compile(
    r"@[A-Za-z0-9]|#\w|GH-\d|(https?|ftp)://|\bwww\.|:[+-]?[a-z]\w*:|(?<!\u200b)\$|"
    r"\b(?=[a-f]*\d)(?=\d*[a-f])[0-9a-f]{7,40}\b",
    re.IGNORECASE,
)


def parsed(told: str):
    return markdown_it.MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"]).parse(told)


def kinds(told: str) -> list[str]:
    """The kinds of all tokens, those inside lines too."""
    return [inner.type for token in parsed(told) for inner in (token, *(token.children or ()))]


def read(told: str) -> list[str]:
    """The text of each line or cell, as people see it."""
    lines = [token.children for token in parsed(told) if token.type == "inline"]
    return [UNSEEN.sub("", "".join(child.content for child in children if child.type == "text")) for children in lines]


def assert_only_own_markup(told: str) -> None:
    tags = re.compile(r"(</?(details|summary|b|ins|code)>)+")
    for token in parsed(told):
        assert token.type != "html_block" or re.fullmatch(
            r"(<details><summary>[^<>&@\\]*</summary>|</details>)\n?", token.content
        ), token.content
        for child in token.children or ():
            assert child.type not in ("link_open", "image", "s_open"), told
            assert child.type != "html_inline" or tags.fullmatch(child.content), child.content
            assert child.type != "text" or not LINKED.search(child.content), child.content
