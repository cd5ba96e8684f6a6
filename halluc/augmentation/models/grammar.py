"""The grammar of the labelled stream, a finite automaton: which tokens may follow, so that samples can be parsed."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from halluc.augmentation.models.labelled_stream import StreamCodec
from halluc.core.edits import Editable


class Grammar:
    """The tables of a codec, each (states, tokens): ``added`` is 0 if a token may follow, else minus infinity;
    ``following`` is the state after a token.

    State 0 is the beginning of a text, 1 is after a word outside of mentions, ``2 + 2 * label`` is after the opening
    token of a label, and ``3 + 2 * label`` is after a word inside the mention. The last state is after a mention.
    """

    def __init__(self, codec: StreamCodec, device: torch.device) -> None:
        self.codec = codec
        labels, size = len(codec.span_labels), codec.size
        words = torch.ones(size, dtype=torch.bool)
        words[codec.spelling.size :] = False
        words[list(codec.never_sampled)] = False
        inside = torch.tensor([codec.spelling.is_inside(piece) for piece in range(codec.spelling.size)])
        begins = words.clone()
        begins[: codec.spelling.size] &= ~inside
        opening = torch.tensor([codec.opening(label) for label in codec.span_labels], dtype=torch.long)
        self.allowed = torch.zeros(2 + 2 * labels, size, dtype=torch.bool)
        self.following = torch.zeros(2 + 2 * labels, size, dtype=torch.long)
        self._allow_outside(words, begins, opening)
        for number, label in enumerate(codec.span_labels):
            empty = 2 + 2 * number
            self.allowed[empty] = begins
            self.allowed[empty + 1] = words
            self.following[empty : empty + 2, words] = empty + 1
            self.allowed[empty + 1, codec.closing(label)] = True
            self.following[empty + 1, codec.closing(label)] = 2 + 2 * labels
        self._add_state_after_mentions(begins)
        # Adding to logits is three times as fast as `masked_fill`.
        added = torch.zeros(self.allowed.shape).masked_fill_(~self.allowed, -torch.inf)
        self.added, self.following = added.to(device), self.following.to(device)

    def _allow_outside(self, words: torch.Tensor, begins: torch.Tensor, opening: torch.Tensor) -> None:
        self.allowed[0] = begins
        self.allowed[1] = words
        self.following[:2, words] = 1
        self.allowed[:2, opening] = True
        self.following[:2, opening] = 2 + 2 * torch.arange(len(opening))
        self.allowed[1, [self.codec.end, self.codec.border]] = True
        self.following[1, self.codec.border] = 0

    def _add_state_after_mentions(self, begins: torch.Tensor) -> None:
        """Add a state like that after a word outside of mentions, but without pieces that continue the word."""
        allowed, following = self.allowed[1:2].clone(), self.following[1:2].clone()
        allowed[0, : self.codec.spelling.size] = begins[: self.codec.spelling.size]
        self.allowed, self.following = torch.cat([self.allowed, allowed]), torch.cat([self.following, following])

    def rows(self, like: Sequence[Editable]) -> GrammarRows:
        """The states of rows, each with the labels of one of ``like``."""
        device = self.added.device
        asked = [{span.label for span in one.spans} for one in like]
        unasked = torch.tensor([[label not in own for label in self.codec.span_labels] for own in asked])
        bordered = torch.tensor([any(start == end for start, end in one.locked) for one in like])
        return GrammarRows(self, unasked.bool().repeat_interleave(3, dim=1).to(device), bordered.to(device))


class GrammarRows:
    """The states of the rows of a batch during sampling."""

    def __init__(self, grammar: Grammar, unasked: torch.Tensor, bordered: torch.Tensor) -> None:
        self._grammar, self._unasked, self._bordered = grammar, unasked, bordered
        self._states = torch.zeros(len(unasked), dtype=torch.long, device=unasked.device)

    def restrict(self, logits: torch.Tensor, rows: torch.Tensor) -> torch.Tensor:
        """Logits (rows, tokens) of the rows with these numbers, minus infinity for tokens that may not follow."""
        restricted = logits + self._grammar.added[self._states[rows]]
        codec = self._grammar.codec
        of_labels = restricted[:, codec.first_span_label : codec.first_span_label + self._unasked.shape[1]]
        of_labels.masked_fill_(self._unasked[rows], -torch.inf)
        restricted[:, codec.border].masked_fill_(~self._bordered[rows], -torch.inf)
        return restricted

    def advance(self, rows: torch.Tensor, chosen: torch.Tensor) -> None:
        """Record the tokens that were chosen for these rows."""
        self._states[rows] = self._grammar.following[self._states[rows], chosen]
