"""The casing of whole examples."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from halluc.augmentation.methods.base import Augmenter, Lexicon, MethodConfig, Tokens
from halluc.config.section import DISTINCT, Share
from halluc.core.edits import Edit, Editable, Replace, free_positions
from halluc.core.rng import Draws

Casing = Literal["lower", "upper", "title", "damaged"]


class CaseConfig(MethodConfig):
    type: Literal["case"]
    to: Annotated[list[Casing], Field(min_length=1, max_length=4), DISTINCT] = Field(
        default=["lower", "upper", "title", "damaged"],
        description="possible casings; each example gets one that changes it. damaged: some tokens lose their "
        "capitals, and as many get one",
    )
    rate: Share = Field(
        default=0.3,
        description="with `damaged`: average share of the tokens with capitals that lose them; 0: no change",
    )
    mentions: bool = Field(default=True, description="whether tokens of mentions are also changed")


class Case(Augmenter):
    """Changes the casing of an example: to lower, upper or title case, or with capitals lost and misplaced."""

    Config: ClassVar[type[MethodConfig]] = CaseConfig
    changes_form_only: ClassVar[bool] = True

    def __init__(self, config: CaseConfig, training: Lexicon) -> None:
        self.config = config

    def propose(self, example: Editable, draws: Draws) -> Sequence[Edit]:
        if not self.config.rate:
            return ()
        positions = free_positions(example, self.config.mentions)
        shuffled = draws.shuffled(self.config.to)
        tried = (self._edits(casing, example.tokens, positions, draws) for casing in shuffled)
        return next(filter(None, tried), ())

    def _edits(self, casing: Casing, tokens: Tokens, positions: Sequence[int], draws: Draws) -> list[Edit]:
        if casing == "damaged":
            return self._damage(tokens, positions, draws)
        # In running text a token in capitals is an acronym, which stays in capitals.
        title = _capitalise if any(map(str.islower, tokens)) else str.capitalize
        cased = {"lower": str.lower, "upper": str.upper, "title": title}[casing]
        return _case_edits(tokens, positions, cased, f"{casing} case")

    def _damage(self, tokens: Tokens, positions: Sequence[int], draws: Draws) -> list[Edit]:
        capitals = [at for at in positions if tokens[at].lower() != tokens[at]]
        if not capitals:
            return []
        wanted = max(1, draws.count(self.config.rate * len(capitals)))
        bare = [at for at in positions if tokens[at].islower()]
        lost = [capitals[number] for number in draws.some(len(capitals), wanted)]
        gained = [bare[number] for number in draws.some(len(bare), wanted)]
        edits = _case_edits(tokens, lost, str.lower, "capital lost")
        return edits + _case_edits(tokens, gained, _capitalise, "capital misplaced")


def _capitalise(token: str) -> str:
    """The token with a capital first letter and the rest unchanged, as in McDonald."""
    return token[:1].title() + token[1:]


def _case_edits(tokens: Tokens, positions: Iterable[int], cased: Callable[[str], str], why: str) -> list[Edit]:
    return [Replace(at, at + 1, (new,), why) for at in positions if (new := cased(tokens[at])) != tokens[at]]
