"""Answer retrieval: the label of a text is the answer in a bank whose questions are most similar to the text.

The model is a bi-encoder with mean pooling (Reimers & Gurevych 2019): the logit of an answer is the dot product of the
mean state of the text and the answer's vector. This vector is initialised with the mean state of the answer's questions
in the bank (imprinted weights, Qi et al. 2018). So before training the most probable answer is the one with the highest
cosine similarity.

It is stored as a token classifier, which every library can load: the logits of a text are the means over its pieces.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, cast

from halluc.core.characters import cut
from halluc.core.errors import HallucError, Location, data_error, environment_error, refuse, suggestion
from halluc.core.examples import Corpus
from halluc.data.fields import own_id
from halluc.data.rows.reading import open_rows
from halluc.data.rows.references import SplitName
from halluc.data.rows.row import MEND, BadLine, Format, Layout, Notice, Row, Unreadable, folded
from halluc.engine.batching import padded_arrays, tensors
from halluc.tasks.encoders import Encoder, max_pieces, mean_of_pieces
from halluc.tasks.text_classification.config import RetrievalConfig
from halluc.tasks.text_classification.labelled_text import Labelled

if TYPE_CHECKING:
    import torch

# The field of a bank with the text of an answer, and the key in a model's config with the texts of all answers by id.
_ANSWER, ANSWERS = "answer", "answers"
# The inverse temperature of cosine similarities that is usual for the training of bi-encoders.
SCALE = 20.0
Bank = Mapping[str, Sequence[str]]
FORMATS: tuple[Format, ...] = ("jsonl", "json", "csv", "table")


def read_bank(config: RetrievalConfig) -> dict[str, list[str]]:
    """The questions of each answer, by its id, in the order of the file.

    Raises:
        HallucError or ManyErrors D101, D102, D107: the file does not exist, has less than two answers, or has a row
            without id or question.
    """
    layout = Layout(formats=FORMATS, requested_fields=(config.id_field, config.question_field))
    file, rows = open_rows(config.bank, cast(SplitName, "bank"), layout)
    result: dict[str, list[str]] = {}
    bad: list[BadLine] = []
    for row in rows:
        if isinstance(row, Row):
            try:
                identity, question = _parts(row, config)
                result.setdefault(identity, []).append(question)
            except Unreadable as why:
                bad.append(row.bad(why))
        elif not isinstance(row, Notice):
            bad.append(row)
    refuse(folded(bad))
    if len(result) < 2:
        raise data_error("D102", f"{file} has {len(result)} answers", help="a bank needs at least two answers")
    return result


def read_answers(config: RetrievalConfig) -> dict[str, str]:
    """The first text of each answer of a bank, by the id of the answer; ``read_bank`` has checked the file."""
    _, rows = open_rows(
        config.bank, cast(SplitName, "bank"), Layout(formats=FORMATS, requested_fields=(config.id_field,))
    )
    result: dict[str, str] = {}
    for row in rows:
        if isinstance(row, Row) and isinstance(text := row.fields.get(_ANSWER), str) and text.strip():
            result.setdefault(_parts(row, config)[0], text)
    return result


def _parts(row: Row, config: RetrievalConfig) -> tuple[str, str]:
    identity, question = own_id(row.fields.get(config.id_field), config.id_field), row.fields.get(config.question_field)
    if identity is None or not isinstance(question, str) or not question.strip():
        lacking = config.question_field if identity is not None else config.id_field
        raise Unreadable("D107", f"an answer of the bank without `{lacking}`", f"see `task.retrieval`; {MEND}")
    return str(identity), question


def unknown_answers(corpus: Corpus[Labelled], bank: Bank) -> Iterator[HallucError]:
    """Errors for labels that are not answers of the bank."""
    for example in corpus:
        for label in example.labels:
            if label not in bank:
                where = Location(example.origin.file, example.origin.line)
                help = suggestion(label, bank, "set the bank of these texts with `task.retrieval.bank`")
                yield data_error("D123", f"the label `{cut(label)}` is not an answer of the bank", where, help)


def imprint(encoder: Encoder, bank: Bank) -> None:
    """Set the vector of each answer to the mean state of its questions, all scaled to one length; others become 0.

    Raises:
        HallucError E411: the model has no linear layer with an output for each answer.
    """
    import torch

    model, outputs = encoder.model, encoder.outputs
    layers = [one for one in model.modules() if isinstance(one, torch.nn.Linear) and one.out_features == len(outputs)]
    if not layers:
        raise environment_error("E411", "the model has no linear head for the answers", "use another encoder")
    head = layers[-1]
    model.eval()
    with torch.no_grad():
        states = {label: _state(encoder, head, bank[label]) for label in outputs if label in bank}
        length = torch.stack([state.norm() for state in states.values()]).mean()
        vectors = [
            SCALE * states[label] / (states[label].norm() * length)
            if label in states
            else torch.zeros(head.in_features)
            for label in outputs
        ]
        head.weight.copy_(torch.stack(vectors))
        if head.bias is not None:
            head.bias.zero_()


def _state(encoder: Encoder, head: torch.nn.Linear, questions: Sequence[str]) -> Any:
    """The mean over questions of the head's inputs, (width,), which are themselves means over pieces."""
    most = max_pieces(encoder.tokenizer, encoder.model.config)
    pieces = [encoder.tokenizer(question)["input_ids"][:most] for question in questions]
    inputs = tensors(padded_arrays(pieces, encoder.padding))
    head_inputs: list[Any] = []
    # Some models, such as ModernBERT, have layers between the encoder and the linear one.
    hook = head.register_forward_pre_hook(lambda _, states: head_inputs.append(states[0]))
    try:
        encoder.model(**inputs)
    finally:
        hook.remove()
    return mean_of_pieces(head_inputs[0], inputs["attention_mask"]).mean(0)
