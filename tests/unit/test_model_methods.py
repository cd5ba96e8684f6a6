"""Methods that use a model: many examples at a time, chunks that are the same wherever a run goes on."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from halluc.augmentation.filters.filters import Filter, LengthRatio, LengthRatioConfig
from halluc.augmentation.methods.base import Augmenter, Changed, Lexicon, MethodConfig, Rejected, Synthesizer, Workspace
from halluc.augmentation.methods.delete import DeleteConfig
from halluc.augmentation.methods.sequence import Sequence as Chain
from halluc.augmentation.methods.sequence import SequenceConfig
from halluc.augmentation.pipeline.candidates import CandidateMaker, CopyRequest, Method, Refusal
from halluc.augmentation.pipeline.shards import Shard
from halluc.core.edits import Edit, Editable, Replace
from halluc.core.processes import allowing_commands, commands_allowed
from halluc.core.rng import Draws


class Shouting(Augmenter):
    """Replaces the first token by a number; refuses what begins with `no`, leaves what begins with `same`."""

    uses_model = True

    def __init__(self, config: MethodConfig | None = None, training: Lexicon | None = None) -> None:
        self.batches: list[int] = []

    def propose(self, example: Editable, draws: Draws) -> Sequence[Edit]:
        if example.tokens[0] == "no":
            raise Rejected("refused")
        if example.tokens[0] == "same":
            return ()
        return [Replace(0, 1, (f"n{draws.below(1000)}",), "number")]

    def change_many(self, examples: Sequence[Editable], draws: Sequence[Draws]) -> list[Changed | Rejected]:
        self.batches.append(len(examples))
        return super().change_many(examples, draws)


class Writing(Synthesizer):
    uses_model = True

    def sample(self, like: Editable, draws: Draws) -> Editable:
        return Editable((f"w{draws.below(1000)}", *like.tokens[1:]))


EXAMPLES = [Editable((first, "sat", "down")) for first in ("anna", "no", "same", "bo", "carl", "no")]
ASKED = [CopyRequest(example, str(number), copy) for number, example in enumerate(EXAMPLES) for copy in (1, 2)]


def maker(*methods: Augmenter | Synthesizer, filters: Sequence[Filter] = ()) -> CandidateMaker:
    named = [Method(f"m{number}", (f"m{number}",), 1.0, one) for number, one in enumerate(methods)]
    return CandidateMaker(named, filters, seed=3, attempts=3, copies_unchangeable=False)


def test_many_at_a_time_give_what_one_by_one_gives() -> None:
    ratio = LengthRatio(LengthRatioConfig(type="length_ratio"))
    made = maker(Shouting(), Writing(), filters=[ratio])
    assert made.uses_model
    many = made.make_many(ASKED)
    assert many == [made.make(one) for one in ASKED]
    assert {accepted.method for accepted, _ in many if accepted} == {"m0", "m1"}
    assert any(Refusal("refused", "m0", None) in refusals for _, refusals in many)


def test_a_method_gets_all_that_wait_for_it() -> None:
    shouting = Shouting()
    maker(shouting).make_many(ASKED)
    # All twelve, and then in two more attempts the four that were refused and the two that nothing changes.
    assert shouting.batches == [12, 6, 6]


def test_a_chain_hands_on_many_at_a_time() -> None:
    chain = Chain(SequenceConfig(type="sequence", methods=[DeleteConfig(type="delete")]), Lexicon())
    first, second = Shouting(), Shouting()
    chain.steps = [first, second]
    draws = [[Draws.of(number) for number in range(len(EXAMPLES))] for _ in range(2)]
    results = chain.change_many(EXAMPLES, draws[0])
    assert first.batches == [6]
    assert second.batches == [4], "what the first refused is not handed on"
    for example, one, result in zip(EXAMPLES, draws[1], results, strict=True):
        if isinstance(result, Rejected):
            assert example.tokens[0] == "no"
        else:
            assert result == chain.change(example, one)


@pytest.mark.parametrize(("size", "of"), [(1000, 3), (300, 4), (100, 2), (128, 1)])
def test_shards_end_where_chunks_end(size: int, of: int) -> None:
    ranges = [Shard(number, of).range(size, 128) for number in range(1, of + 1)]
    assert [number for first, last in ranges for number in range(first, last)] == list(range(size))
    assert all(last % 128 == 0 for _, last in ranges[:-1])


def test_commands_are_allowed_only_inside() -> None:
    assert not commands_allowed()
    with allowing_commands(True):
        assert commands_allowed()
        with allowing_commands(False):
            assert not commands_allowed()
    assert not commands_allowed()


def test_a_workspace_allows_no_commands_by_default(tmp_path: Path) -> None:
    assert not Workspace(tmp_path, 1).allow_commands
