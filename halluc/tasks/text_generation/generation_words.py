"""Words of all text generation tasks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from halluc.core.examples import Example
from halluc.data.statistics import Count, Words, example_count, tokens
from halluc.tasks.text_generation.source_text import target_length
from halluc.wording.nouns import CardText, Nouns


def _without_target(example: Any) -> int:
    return not example.targets


def _statement_count(example: Example) -> int:
    return sum(kind != "sentence" for _, kind in example.pairs)


def words(examples: str, target: str, figure: str) -> Words:
    """
    Args:
        examples: the plural of an example. target: the plural name of the text to be written.
        figure: the name of the figure that selects a checkpoint.
    """
    return Words(
        tokens="words",
        labelled="statements",
        annotation=target,
        repaired="texts",
        counts=(
            Count(examples, example_count),
            Count("words", tokens),
            Count("target_words", target_length),
            Count("statements", _statement_count, legend="names, numbers, dates and quotations of the targets"),
            Count("without_target", _without_target, is_share=True),
        ),
        figure=figure,
        has_labels=False,
    )


IN_TRAINING: Mapping[str, str] = {
    "seen": "that occur in training targets",
    "partial": "partly in training targets",
    "new": "not in training targets",
}
GLOSSARY: Mapping[str, str] = {
    "claim": "A statement of the output: a name, number, date, quotation, or a whole sentence.",
    "annotation": "The reference texts of the input.",
    "supported": "The input or a reference states the same.",
    "unsupported": "Neither the input nor a reference states it. This is a hallucination.",
    "omission": "A name, number, date or quotation of the reference that the output does not state.",
    "hallucination rate": "Unsupported claims divided by all claims that can be verified; the omission rate is the "
    "share of the statements of the reference that are missing in the output.",
    "outputs without any claim": "Outputs that state nothing that can be verified: no hallucination can be found in "
    "them.",
    "confidence": "The geometric mean of the probabilities of the output's tokens (Seq-Logprob): one number for all"
    " claims of an output.",
    "seen, partial, new": "Seen: training targets state the same. Partial: they contain a word of it. New: neither.",
    "gap": "The share of statements (without sentences) that are not in the training targets. The forecast "
    "(Good–Turing) uses only the training data; the excess is the measured share minus the forecast.",
    "gap ratio": "The error rate of statements new to training divided by that of statements seen in training.",
    "absent": "For a flipped claim: one of the two runs does not make it, or withdraws it.",
}


def nouns(
    output: str, outputs: str, *, card: CardText, unsupported: str, drawn: str, glossary: Mapping[str, str]
) -> Nouns:  # fmt: skip
    """The nouns of a task whose claims are the statements of an output.

    Args:
        output: the name of the output, such as "summary", and ``outputs`` its plural.
        unsupported: the heading of unsupported claims. drawn: what is shown next to an example.
    """
    return Nouns(
        unit="statement",
        gold="statement",
        golds="statements",
        claims="statements",
        unsupported="unsupported",
        novelty=f"whether training {outputs} state it",
        annotated="statements of the reference",
        counted="statements",
        gap_of="names, numbers, dates and quotations",
        loss_of="loss of a statement",
        card=card,
        found="stated",
        partly="stated as something else",
        missed="not stated",
        nothing="no statement",
        in_training=IN_TRAINING,
        sections={
            "unsupported": unsupported,
            "omission": f"Omitted: in the reference, but not in the {output}",
        },
        is_placed=True,
        drawn=drawn,
        search=f"a word of the {output} or a kind of claim",
        glossary=glossary,
    )
