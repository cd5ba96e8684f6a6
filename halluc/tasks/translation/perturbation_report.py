"""What the perturbation test found, for the classification report of a split."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from halluc.tasks.text_generation.examples import WrittenText
from halluc.tasks.text_generation.source_text import Sourced
from halluc.tasks.translation.perturbation import DETACHED, GOOD, KINDS, POSITIONS

# Hallucinations that the text shows; the JSON file has all.
_SHOWN = 10


def perturbation_report(examples: Sequence[Sourced], predictions: Sequence[WrittenText]) -> dict[str, Any]:
    """Thresholds, numbers of outputs and hallucinations by kind of token and position, and every hallucination; empty
    where nothing was tested."""
    if all(one.perturbed is None for one in predictions):
        return {}
    outputs = [one for said in predictions for one in said.perturbed or ()]

    def counted(key: str, value: str) -> dict[str, int]:
        held = [one for one in outputs if getattr(one, key) == value]
        return {"outputs": len(held), "hallucinations": sum(one.is_hallucination for one in held)}

    return {
        "thresholds": {"before": GOOD, "after": DETACHED},
        "sources": sum(one.perturbed is not None for one in predictions),
        "perturbed": sum(bool(one.perturbed) for one in predictions),
        "by_token": {kind: counted("kind", kind) for kind in KINDS},
        "by_position": {position: counted("position", position) for position in POSITIONS},
        "hallucinations": [
            {
                "id": example.id,
                "source": example.whole,
                "references": list(example.targets),
                "output": said.text,
                "token": one.token,
                "kind": one.kind,
                "position": one.position,
                "output_after": one.output,
                "adjusted_bleu_after": round(one.score, 6),
            }
            for example, said in zip(examples, predictions, strict=True)
            for one in said.perturbed or ()
            if one.is_hallucination
        ],
    }


def perturbation_lines(report: Mapping[str, Any] | None) -> Iterator[str]:
    """The same as lines of text, with the first hallucinations."""
    if not report:
        return
    yield f"\none token inserted: {report['perturbed']:,} of {report['sources']:,} outputs were good enough"
    for name, heading in (("by_token", "token"), ("by_position", "position")):
        for key, row in report[name].items():
            yield f"  {heading} {key:12} {row['hallucinations']:>6,} hallucinations in {row['outputs']:,} outputs"
    for one in report["hallucinations"][:_SHOWN]:
        yield f"\n{one['id']}  `{one['token']}` ({one['kind']}) at {one['position']}: {one['source']}"
        yield f"  before  {one['output']}"
        yield f"  after   {one['output_after']}"
