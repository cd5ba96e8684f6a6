"""An n-gram language model over tokens with their tags: the baseline of all methods that write labelled sentences."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import ClassVar, Literal

from pydantic import Field

from halluc.augmentation.methods.base import (
    MethodConfig,
    Rejected,
    Synthesizer,
    Workspace,
    refuse_all_locked,
    refuse_too_few,
)
from halluc.augmentation.models.ngram import BORDER, NgramModel, Stream
from halluc.core.edits import Editable
from halluc.core.rng import Draws

FEWEST_EXAMPLES = 10


class NgramConfig(MethodConfig):
    type: Literal["ngram"]
    order: int = Field(
        default=3, ge=2, le=10, description="order of the n-gram model: each token depends on `order - 1` others"
    )
    temperature: float = Field(
        default=1.0,
        ge=0.1,
        le=10,
        description="temperature: counts are raised to the power of its inverse; below 1 frequent n-grams are "
        "preferred, above 1 rare ones",
    )
    smoothing: Literal["witten_bell", "none"] = Field(
        default="witten_bell",
        description="witten_bell: back-off to shorter contexts; none: only n-grams of the training split",
    )
    longest: int = Field(
        default=60, ge=1, le=10_000, description="maximum number of tokens of an example; longer ones are rejected"
    )


class Ngram(Synthesizer):
    """Writes new labelled sentences by an n-gram model of tokens with tags, the baseline of neural synthesizers.

    Each pair of IOB2 tag and token is one symbol of an n-gram model with Witten-Bell smoothing (Witten & Bell 1991).
    Its lowest order depends on the last tag, so no invalid sequence of tags can occur. Neural synthesizers that write
    labels into the token stream should be better (DAGA: Ding et al. 2020; SeqGAN: Caccia et al. 2020). At order 3 it
    repeats long parts of the training split, and whole sentences of a small one, which the filter ``duplicate``
    rejects.

    Texts that are labelled as a whole have a model for each set of labels, and a sample gets the labels of the example
    that it replaces.
    """

    Config: ClassVar[type[MethodConfig]] = NgramConfig

    def __init__(self, config: NgramConfig) -> None:
        self.config = config
        self._models: dict[tuple[str, ...], NgramModel] = {}

    def fit(self, examples: Iterable[Editable], workspace: Workspace) -> None:
        """Count the n-grams of all orders, separately for each set of labels.

        Raises:
            OptionError C147: every example has locked tokens. D144: fewer than 10 examples, for any set of labels.
        """
        streams: dict[tuple[str, ...], Stream] = {}
        read = locked = 0
        for example in examples:
            read, locked = read + 1, locked + bool(example.locked)
            if example.labels not in streams:
                streams[example.labels] = Stream(self.config.order - 1)
            streams[example.labels].add(example)
        refuse_all_locked(read, locked)
        most = max((stream.count for stream in streams.values()), default=0)
        refuse_too_few(most, FEWEST_EXAMPLES, "an n-gram model", "order", of=" of a label" if any(streams) else "")
        power = 1 / self.config.temperature
        self._models = {labels: one.model(power) for labels, one in streams.items() if one.count >= FEWEST_EXAMPLES}

    def sample(self, like: Editable, draws: Draws) -> Editable:
        if like.locked:
            raise Rejected("locked")
        model = self._models.get(like.labels)
        if model is None:
            raise Rejected("too few of its label")
        padding = self.config.order - 1
        sequence = [BORDER] * padding
        while (symbol := self._next(model, sequence, draws)) != BORDER:
            sequence.append(symbol)
            if len(sequence) - padding > self.config.longest:
                raise Rejected("too long")
        return model.symbols.parse(sequence[padding:])._replace(labels=like.labels)

    def _next(self, model: NgramModel, sequence: Sequence[int], draws: Draws) -> int:
        """The next symbol, drawn from the longest context that smoothing selects."""
        symbols, levels = model
        size = len(symbols.tokens)
        context = symbols.tags[sequence[-1]]
        known = [context]
        for depth in range(1, len(levels)):
            context = levels[depth].context(context * size + sequence[-depth])
            if context < 0:
                break
            known.append(context)
        depth = len(known) - 1
        if self.config.smoothing == "witten_bell":
            while depth and draws.uniform() < levels[depth].passed[known[depth]]:
                depth -= 1
        return levels[depth].draw(known[depth], draws)
