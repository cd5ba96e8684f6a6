"""Makes one new example: draws candidates until the filters accept one.

The result is a function of the config, the training split and the keys of the example, so it does not depend on the
process.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate
from typing import Any, Literal, NamedTuple

from halluc.augmentation.filters.filters import Candidate, Filter, Keys
from halluc.augmentation.methods.base import Augmenter, Changed, OptionError, Rejected, Synthesizer
from halluc.core.edits import Editable, Replace
from halluc.core.errors import HallucError
from halluc.core.rng import Draws

UNCHANGEABLE = "unchangeable"
COPY = "copy"
SAMPLED = "sampled"
RELABELLED = "relabelled"


class PartError(Exception):
    """An error of a method or filter of the config: its list, its number there, and the error."""

    def __init__(self, part: Literal["methods", "filters"], number: int, error: HallucError) -> None:
        super().__init__(error.message)
        self.part, self.number, self.error = part, number, error


@dataclass(frozen=True)
class Method:
    """A method of the config: ``name`` identifies it in figures, ``steps`` are the names in provenance."""

    name: str
    steps: tuple[str, ...]
    share: float
    component: Augmenter | Synthesizer

    def results(self, examples: Sequence[Editable], draws: Sequence[Draws]) -> list[Changed | Rejected]:
        """The results of the method for the examples, many at a time."""
        if isinstance(self.component, Augmenter):
            return self.component.change_many(examples, draws)
        sampled = self.component.sample_many(examples, draws)
        return [_as_change(*one) for one in zip(examples, sampled, strict=True)]


class Refusal(NamedTuple):
    """A candidate that a filter or its method rejected; ``after`` is its text, None if it was not completed."""

    reason: str
    method: str
    after: str | None


class Accepted(NamedTuple):
    """A candidate that no filter rejects by itself; ``keys`` has, for each filter, the keys that no earlier candidate
    may have. ``source``: see ``Synthesizer.source_of``."""

    changed: Changed
    method: str
    steps: tuple[str, ...]
    attempt: int
    keys: tuple[Keys, ...]
    sampled: bool
    source: str | None = None


class CopyRequest(NamedTuple):
    """A request for copy number ``copy`` of ``example``, from an attempt on; ``source`` is the example of the task."""

    example: Editable
    identity: str
    copy: int
    attempt: int = 0
    source: Any = None


class _Call(NamedTuple):
    """One call of a method, by its number."""

    method: int
    example: Editable
    draws: Draws


class _Check(NamedTuple):
    """One candidate for a filter that uses a model, by its number."""

    filter: int
    candidate: Candidate


_Request = _Call | _Check
_Answer = Changed | Rejected | Editable | None
_Result = tuple[Accepted | None, list[Refusal]]
_Outcome = tuple[Accepted | None, Refusal | None]
_Search = Generator[_Request, Any, _Result]  # a call is answered with Changed | Rejected, a check with Editable | None


@dataclass(frozen=True)
class CandidateMaker:
    """Makes candidates for (example, copy): ``attempts`` tries, each with its own draws."""

    methods: Sequence[Method]
    filters: Sequence[Filter]
    seed: int
    attempts: int
    copies_unchangeable: bool

    @cached_property
    def _prefixes(self) -> list[bytes]:
        """The beginning of the key of each method's draws."""
        return [f"{self.seed}\x1f{number}\x1f{one.name}\x1f".encode() for number, one in enumerate(self.methods)]

    @cached_property
    def _shares(self) -> list[float]:
        """The running sums of the shares of all methods."""
        return list(accumulate(one.share for one in self.methods))

    @cached_property
    def uses_model(self) -> bool:
        return any(one.component.uses_model for one in self.methods) or any(one.uses_model for one in self.filters)

    def make(self, copy_request: CopyRequest) -> _Result:
        """The first candidate that no filter rejects by itself, and the refusals before it.

        If no method can change the example, and copies are not permitted, the only refusal is ``UNCHANGEABLE``.
        """
        return self.make_many([copy_request])[0]

    def make_many(self, copy_requests: Sequence[CopyRequest]) -> list[_Result]:
        """``make`` for each; all that wait for the same method or filter are processed together."""
        results: dict[int, _Result] = {}
        searches = [self._search(one) for one in copy_requests]
        answers: dict[int, _Answer] = dict.fromkeys(range(len(searches)))
        while answers:
            waiting: dict[tuple[bool, int], list[tuple[int, Any]]] = {}
            for number, answer in sorted(answers.items()):
                try:
                    request = searches[number].send(answer)
                except StopIteration as end:
                    results[number] = end.value
                else:
                    waiting.setdefault((isinstance(request, _Check), request[0]), []).append((number, request))
            answers = {}
            for (is_check, index), requests in sorted(waiting.items()):
                of_part: Sequence[_Answer]
                try:
                    if is_check:
                        of_part = self.filters[index].results([check.candidate for _, check in requests])
                    else:
                        examples, draws = [call.example for _, call in requests], [call.draws for _, call in requests]
                        of_part = self.methods[index].results(examples, draws)
                except OptionError as error:
                    raise PartError("filters" if is_check else "methods", index, error) from error
                answers.update((number, answer) for (number, _), answer in zip(requests, of_part, strict=True))
        return [results[number] for number in range(len(searches))]

    def _search(self, copy_request: CopyRequest) -> _Search:
        """The attempts, as a generator that yields calls of methods and filters, and is sent their results."""
        example, identity, copy, attempt, _ = copy_request
        refusals: list[Refusal] = []
        changeable = False
        for number in range(attempt, self.attempts):
            key = f"{identity}\x1f{copy}\x1f{number}".encode("utf-8", "surrogatepass")
            accepted, refusal = yield from self._attempt(copy_request, key, number)
            if accepted is not None:
                return accepted, refusals
            if refusal is not None:
                changeable = True
                refusals.append(refusal)
        if not changeable and attempt == 0:
            copied = self._copy(example) if self.copies_unchangeable else None
            return copied, [] if copied else [Refusal(UNCHANGEABLE, "", None)]
        return None, refusals

    def _attempt(self, copy_request: CopyRequest, key: bytes, number: int) -> Generator[_Request, Any, _Outcome]:
        """One attempt: an accepted candidate, or a refusal, or neither if no method finds anything to change."""
        for index in self._order(key):
            method = self.methods[index]
            result = yield _Call(index, copy_request.example, Draws(self._prefixes[index] + key))
            if isinstance(result, Rejected):
                return None, Refusal(result.reason, method.name, None)
            if method.component.makes_copies or result.is_edited:
                return (yield from self._filter(copy_request, result, method, number))
        return None, None

    def _order(self, key: bytes) -> Iterator[int]:
        """The methods in random order: drawn by share, without replacement."""
        draws = Draws(b"%d\x1fmethod\x1f%b" % (self.seed, key))
        left, shares = list(range(len(self.methods))), self._shares
        while left:
            yield left.pop(draws.weighted(shares))
            shares = list(accumulate(self.methods[one].share for one in left))

    def _filter(
        self, copy_request: CopyRequest, changed: Changed, method: Method, number: int
    ) -> Generator[_Request, Any, _Outcome]:
        component, steps, edited = method.component, method.steps, changed.edited
        candidate = Candidate(
            copy_request.example,
            edited,
            form_only=component.changes_form_only,
            is_copy=component.makes_copies,
            source=copy_request.source,
            sampled=isinstance(component, Synthesizer),
        )
        for one in self.filters:
            if not one.uses_model and one.refuses(candidate):
                return None, Refusal(one.name, method.name, " ".join(changed.edited.tokens))
        for index, one in enumerate(self.filters):
            if one.uses_model:
                kept: Editable | None = yield _Check(index, candidate)
                if kept is None:
                    return None, Refusal(one.name, method.name, " ".join(changed.edited.tokens))
                if kept != candidate.edited:
                    candidate.edited, steps = kept, (*steps, RELABELLED)
                    changed = changed._replace(edited=kept)
        keys = tuple([one.keys(candidate) for one in self.filters])
        source = component.source_of(edited) if isinstance(component, Synthesizer) else None
        return Accepted(changed, method.name, steps, number, keys, candidate.sampled, source), None

    def _copy(self, example: Editable) -> Accepted | None:
        """The unchanged example, unless a filter rejects it."""
        candidate = Candidate(example, example, False, True)
        if any(one.refuses(candidate) for one in self.filters):
            return None
        return Accepted(Changed(example, ()), COPY, (COPY,), 0, tuple(() for _ in self.filters), False)


def _as_change(like: Editable, sampled: Editable | Rejected) -> Changed | Rejected:
    """A sampled example as a change that replaces the whole text.

    If the task has targets, it needs one: the target of ``like`` belongs to another text.
    """
    if isinstance(sampled, Rejected):
        return sampled
    if like.target and not sampled.target:
        return Rejected("no target")
    end = len(like.tokens) if like.target and like.target == sampled.target else 0
    return Changed(sampled, ((Replace(0, end, sampled.tokens, SAMPLED),),))
