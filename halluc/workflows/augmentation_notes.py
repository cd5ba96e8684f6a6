"""What a person should know of an augmented corpus."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from halluc.augmentation.pipeline.candidates import COPY, Method
from halluc.runs.schema import AugmentFile
from halluc.task import AnyTask

# A method that nothing was made by was perhaps never asked: told of is one of which that is less likely than this.
_CHANCE = 1e-6


def told(made: AugmentFile, task: AnyTask, methods: Sequence[Method] = ()) -> Iterator[str]:
    """What a person should know of an augmented corpus; ``methods`` are those that were asked for."""
    kept = ", ".join(f"{count:,} {method}" for method, count in made.kept.items())
    yield f"augmented: {made.originals:,} originals, {made.made:,} new" + (f" ({kept})" if kept else "")
    refused = [f"{sum(by.values()):,} {reason}" for reason, by in made.refused.items()]
    if refused:
        yield f"rejected candidates: {', '.join(refused)}"
    if made.made < made.wanted:
        reasons = {"given up after every attempt was rejected": made.given_up, "unchangeable": made.unchangeable}
        why = ", ".join(f"{count:,} {reason}" for reason, count in reasons.items() if count)
        yield f"warning: {made.wanted - made.made:,} fewer than the {made.wanted:,} asked for: {why}"
    yield from _told_idle(made, task.wording.words.examples, methods)
    before, new, units = made.before, made.new, task.examples.units
    share, noun = f"{units.free}_share", units.name.replace("_", " ")
    fresh = f"{_share(new[f'new_{units.one}_share'])} of the {noun} in the new stand nowhere in the training split"
    without = f"{task.wording.words.examples} {units.without}"
    free = f"{without}: {_share(before[share])} of the originals, {_share(new[share])} of the new; "
    yield free + fresh if before[share] or task.examples.has_spans else fresh
    yield f"distinct-2: {_share(before['distinct_2'])} in the originals, {_share(new['distinct_2'])} in the new"
    for method, facts in made.methods.items():
        if facts.get("verdict"):
            yield f"{method}: {facts['verdict']}"
    rate = made.made / made.seconds if made.seconds else 0.0
    yield f"made in {made.seconds:.1f} s, {rate:,.0f} a second"


def _told_idle(made: AugmentFile, noun: str, methods: Sequence[Method]) -> Iterator[str]:
    """Methods that found nothing to do, and whether most of the corpus is copies."""
    refused = {method for by in made.refused.values() for method in by}
    total = sum(method.share for method in methods)
    for method in methods:
        was_asked = (1 - method.share / total) ** made.wanted < _CHANCE
        if was_asked and method.name not in made.kept and method.name not in refused:
            yield f"warning: `{method.name}` found nothing to change in any of the {noun}"
    copied = made.kept.get(COPY, 0)
    if 2 * copied > made.made:
        yield (
            f"warning: {copied:,} of the new {noun} are plain copies, for no method could change what they come from; "
            "`augment.unchangeable: skip` leaves them out"
        )


def _share(value: float | None) -> str:
    return "none" if value is None else f"{value:.3f}".removeprefix("0")
