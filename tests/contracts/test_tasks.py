"""What every task must do, on a tiny encoder, and how token classification cuts and joins sentences."""

from __future__ import annotations

import dataclasses
import itertools
import math
from dataclasses import replace

import huggingface_hub
import numpy
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from halluc.components import TABLE
from halluc.config.models import ModelConfig
from halluc.core import registry
from halluc.core.errors import HallucError
from halluc.core.examples import Corpus, Origin, Span
from halluc.core.files import write_jsonl
from halluc.data.corpora import read_corpora
from halluc.data.inputs import InputText
from halluc.data.tokenization import Tokenizer
from halluc.engine import runtime
from halluc.engine.batching import Batch
from halluc.engine.inference import forward
from halluc.engine.pretrained import load_tokenizer
from halluc.task import Asserted
from halluc.tasks.encoders import special_pieces, word_pieces
from halluc.tasks.question_answering.examples import ContextQuestion
from halluc.tasks.question_answering.spaced_text import SpacedText
from halluc.tasks.relation_extraction.examples import Related
from halluc.tasks.text_classification.labelled_text import Labelled
from halluc.tasks.text_generation.source_text import Sourced, WrittenText, cut_parts
from halluc.tasks.token_classification.encoding import windows_of
from halluc.tasks.token_classification.tagged_sentence import Tagged
from halluc.tasks.token_classification.task import TokenClassification


def tagged(number: int, text: str, *spans: Span) -> Tagged:
    return Tagged(f"e{number}", Origin("f", number), tuple(text.split(" ")), spans)


def related(number: int, text: str, head: Span, tail: Span, relation: str) -> Related:
    return Related(f"e{number}", Origin("f", number), tuple(text.split(" ")), head, tail, relation)


def asked(number: int, question: str, context: str, *answers: tuple[int, int]) -> ContextQuestion:
    texts = (SpacedText.from_tokens(text.split(" ")) for text in (question, context))
    return ContextQuestion(f"e{number}", Origin("f", number), *texts, answers)


def sourced(number: int, target: str, **parts: str) -> Sourced:
    made = cut_parts([(name.replace("_", ":"), text) for name, text in parts.items()], Tokenizer())
    return Sourced(f"e{number}", Origin("f", number), *made, (target,))


EXAMPLES = {
    "token_classification": (
        tagged(1, "Anna Berg visited Oslo .", Span(0, 2, "PER"), Span(3, 4, "LOC")),
        tagged(2, "nothing"),
        tagged(3, "Acme said", Span(0, 1, "ORG")),
    ),
    "text_classification": (
        Labelled("e1", Origin("f", 1), ("Anna", "visited", "Oslo"), ("travel",)),
        Labelled("e2", Origin("f", 2), ("the", "bank", "won", "and", "Acme", "left", "."), ("money",)),
        Labelled("e3", Origin("f", 3), ("Paris",), ("travel",)),
    ),
    "relation_extraction": (
        related(1, "Anna Berg visited Oslo .", Span(0, 2, "PER"), Span(3, 4, "LOC"), "visited"),
        related(2, "in Oslo Acme said", Span(2, 3, "ORG"), Span(1, 2, "LOC"), "in"),
        related(3, "Paris met Berg", Span(2, 3, ""), Span(0, 1, ""), "visited"),
    ),
    "question_answering": (
        asked(1, "Who visited Oslo ?", "Anna Berg visited Oslo .", (0, 2), (1, 2)),
        asked(2, "where", "nothing of it"),
        asked(3, "What did Acme do ?", "in Oslo Acme said", (3, 4)),
    ),
    "translation": (
        sourced(1, "gestern traf Anna 12 Freunde .", source="Anna met 12  friends yesterday."),
        sourced(2, "er lebt in Oslo .", source="He lives in Oslo."),
        sourced(3, "sie kam 1999 .", source="she came in 1999"),
    ),
    "summarisation": (
        sourced(1, "Yesterday Anna met 12 friends .", document="Anna: I met 12  friends.\nBen: When? Yesterday?"),
        sourced(2, "A man lives in Oslo .", document="He lives in Oslo."),
        sourced(3, "She came in 1999 .", document="she came in 1999, as all know"),
    ),
    "dialogue": (
        sourced(1, "It opens at 9 .", persona="I am a desk.", knowledge="We open at  9.", turn_user="When is it open?"),
        sourced(2, "To Oslo .", turn_user="Where do you go?", turn_agent="Why?", turn_Anna="I ask."),
        sourced(3, "It has 12 rooms .", knowledge="The house has 12 rooms."),
    ),
}


def given_text(number: int, identity: str, example) -> InputText:
    """The text of an example, with what its reader tells beside the tokens: of a pair where its parts stand."""
    details = (example.head, example.tail) if isinstance(example, Related) else None
    second = example.border if isinstance(example, ContextQuestion) else None
    return InputText(number, identity, example.tokens, second=second, details=details)


def make(name: str, **keys):
    component = registry.load(TABLE, "task", name)
    return component(component.Config(type=name, **keys))


@pytest.fixture
def pretrained(name, request):
    """A small model of the kind that the task takes."""
    writes = isinstance(EXAMPLES[name][0], Sourced)
    return request.getfixturevalue("tiny_writer" if writes else "tiny_encoder")


def predicted(task, encoder, encoded, budget, engine):
    decoding = task.model.decoding(encoder.outputs, "constrained")
    return task.model.predict(encoder.model, encoded, budget, engine, decoding)


@pytest.fixture(scope="module")
def engine():
    return runtime.start("fp32", 1)


def test_every_task_has_examples():
    assert set(EXAMPLES) == set(TABLE["task"])


@pytest.mark.parametrize("name", EXAMPLES)
class TestEveryTask:
    def built(self, name, pretrained):
        task = make(name)
        corpus = Corpus("train", EXAMPLES[name], "f")
        encoder = task.model.build(ModelConfig(name=str(pretrained)), task.examples.labels(corpus), "eager")
        return task, encoder, task.model.encode(EXAMPLES[name], encoder)

    def test_labels_are_sorted_and_complete(self, name, pretrained):
        task = make(name)
        labels = task.examples.labels(Corpus("train", EXAMPLES[name], "f"))
        assert list(labels) == sorted(labels)
        assert bool(labels) is task.wording.words.has_labels

    def test_there_is_one_prediction_an_example_joined_by_id(self, name, pretrained, engine):
        task, encoder, encoded = self.built(name, pretrained)
        predictions = predicted(task, encoder, encoded, 64, engine)
        assert [p.id for p in predictions] == [e.id for e in EXAMPLES[name]]

    def test_the_loss_is_a_sum_over_labelled_tokens(self, name, pretrained):
        _, encoder, encoded = self.built(name, pretrained)
        encoder.model.eval()
        indexes = list(range(len(encoded.lengths)))
        together = encoded.collate(indexes)
        whole = encoded.loss(encoder.model(**together.inputs), together)
        parts = [encoded.collate([index]) for index in indexes]
        apart = sum(encoded.loss(encoder.model(**part.inputs), part) for part in parts)
        assert whole.item() == pytest.approx(apart.item(), rel=1e-5)
        assert together.weight == sum(part.weight for part in parts) == sum(encoded.weights)

    def test_predictions_do_not_depend_on_the_batch(self, name, pretrained, engine):
        task, encoder, encoded = self.built(name, pretrained)
        small = predicted(task, encoder, encoded, 1, engine)
        large = predicted(task, encoder, encoded, 10_000, engine)
        claimed = [
            [[(claim.mark, round(claim.confidence, 4)) for claim in task.judge.claims(*pair)] for pair in
             zip(EXAMPLES[name], predictions, strict=True)]
            for predictions in (small, large)
        ]  # fmt: skip
        assert claimed[0] == claimed[1]

    def test_what_it_writes_is_read_back_by_its_reader(self, name, tmp_path):
        task, path = make(name), tmp_path / "train.jsonl"
        write_jsonl(path, map(task.examples.record, EXAMPLES[name]))
        config = registry.load(TABLE, "reader", name).Config(train=str(path))
        read = read_corpora(config, TABLE).splits["train"]
        assert [(e.id, e.tokens, e.annotation) for e in read] == [
            (e.id, e.tokens, e.annotation) for e in EXAMPLES[name]
        ]

    def test_an_example_shows_the_labels_that_are_labelled_in_it(self, name):
        task = make(name)
        corpus = Corpus("train", EXAMPLES[name], "f")
        if not task.wording.words.has_labels:
            assert all(example.pairs and not example.labels for example in corpus)
            assert any(task.judge.gold(example) for example in corpus)
            return
        for example in corpus:
            assert sorted(example.labels) == sorted(label for _, label in example.pairs)
            assert sorted(example.labels) == sorted(claim.label for claim in task.judge.gold(example))
        assert set(task.examples.labels(corpus)) == {label for example in corpus for label in example.labels}

    def test_an_edit_that_changes_nothing_makes_the_same_example(self, name):
        task = make(name)
        for example in EXAMPLES[name]:
            again = task.examples.rebuild(example, task.examples.editable(example), example.id, example.origin)
            assert again == example

    def test_the_coverage_of_training_is_saved_and_loaded(self, name, tmp_path):
        task = make(name)
        splits = {split: Corpus(split, EXAMPLES[name], "f") for split in task.knowledge.splits_read}
        made = task.knowledge.of(splits)
        made.save(tmp_path / "coverage.json")
        for coverage in (made, task.knowledge.load(tmp_path / "coverage.json")):
            knowledge = task.knowledge.from_coverage(coverage, None)
            found = [claim for example in EXAMPLES[name] for claim in task.judge.gold(example)]
            (best,) = {knowledge.novelty(claim) for claim in found}
            scale = task.knowledge.novelties
            assert (best, len(scale)) == (scale[0], len(set(scale)))
            assert set(task.knowledge.reported) <= set(scale)
            assert not any(knowledge.is_confusable(claim) for claim in found)
            assert not any(knowledge.is_withheld(claim) for claim in found)
            other = replace(found[0], text="quite another thing", parts=("quite", "another"))
            assert knowledge.novelty(other) == scale[-1]
            nearest = knowledge.nearest(found[0])
            assert (nearest.text, nearest.file, nearest.line) == (found[0].text, "f", 1)

    def test_every_example_has_a_stratum(self, name):
        task = make(name)
        strata = task.knowledge.strata(EXAMPLES[name])
        assert sum(strata.sizes(EXAMPLES[name])) == len(EXAMPLES[name])
        for example in EXAMPLES[name]:
            assert 0 <= strata.of(example) < len(strata.names)
            assert strata.has_free is False or (strata.of(example) == 0) == (not example.pairs)

    def test_what_is_reported_a_split_has_words_for_every_note(self, name, pretrained):
        task, encoder, encoded = self.built(name, pretrained)
        assert set(task.model.notes) <= set(encoded.notes)
        assert set(task.model.columns) - {"longest"} <= set(encoded.notes)
        corpus = Corpus("dev", EXAMPLES[name], "f")
        plain = list(task.model.findings(corpus, dict(encoded.notes), encoder.outputs))
        loud = list(task.model.findings(corpus, dict.fromkeys(encoded.notes, 7), encoder.outputs))
        assert plain
        assert [told for told in task.model.notes.values() if not any(told in line for line in loud)] == []

    def test_a_split_lacks_something_only_where_nothing_can_be_learned(self, name, pretrained):
        task = make(name)
        assert task.examples.untrainable_reason(Corpus("train", EXAMPLES[name], "f")) is None
        bare = [task.examples.of_input(e.id, e.origin, given_text(1, "a", e)) for e in EXAMPLES[name]]
        assert task.examples.untrainable_reason(Corpus("train", tuple(bare), "f"))

    def test_a_line_of_predictions_is_read_back_as_the_example(self, name, pretrained, engine):
        task, encoder, encoded = self.built(name, pretrained)
        predictions = predicted(task, encoder, encoded, 64, engine)
        seen = set()
        for example, prediction in zip(EXAMPLES[name], predictions, strict=True):
            line = task.examples.line(example, prediction)
            assert type(line) is task.examples.Line
            again = task.examples.Line.model_validate_json(line.model_dump_json())
            assert again == line
            assert again.example[:2] == (example.id, example.tokens)
            assert list(line.model_dump())[:3] == ["id", "tokens", "gold"]
            seen.add(again.example[2])
        assert len(seen) > 1, "the examples must have gold to tell apart"

    def test_predict_reports_each_claim_of_a_text_once(self, name, pretrained, engine):
        task, encoder, encoded = self.built(name, pretrained)
        predictions = predicted(task, encoder, encoded, 64, engine)
        told = 0
        for number, (example, prediction) in enumerate(zip(EXAMPLES[name], predictions, strict=True), 1):
            if isinstance(example, Sourced):  # what random weights write may state nothing
                stated = task.judge.statements("Ben lives in Oslo.", example)
                prediction = WrittenText(example.id, "Ben lives in Oslo.", (0.5,) * len(stated))
            text = given_text(number, f"given-{number}", example)
            bare = task.examples.of_input(f"line-{number}", Origin("input", number), text)
            assert (bare.id, bare.origin.line, bare.tokens) == (f"line-{number}", number, example.tokens)
            assert task.judge.gold(bare) == ()
            claims = task.judge.claims(bare, prediction)
            record = task.examples.answer(text, prediction, [Asserted(claim, "new", False, True) for claim in claims])
            plain = record.model_dump(mode="json")
            assert (plain["id"], plain["line"], plain["tokens"]) == (f"given-{number}", number, list(example.tokens))
            assert str(plain).count("'novelty': 'new'") == str(plain).count("'abstained': True") == len(claims)
            assert all(repr(claim.label) in str(plain) for claim in claims)
            told += len(claims)
            schema = task.examples.inference
            answers = [one.model_dump(mode="json") for one in schema.answers(record, schema.Parameters())]
            assert all(schema.Answer.model_validate(one) for one in answers)
            # `InferenceClient.text_classification` takes the first of the lists.
            assert schema.nested == (OUTPUTS[name][0] is huggingface_hub.TextClassificationOutputElement)
            assert str(answers).count("'novelty': 'new'") == str(answers).count("'abstained': True") == len(claims)
            for one in answers:
                assert required_of_hugging_face(name) <= {key for key, value in one.items() if value is not None}
        assert told, "a model that claims nothing shows nothing"


def required_of_hugging_face(task: str) -> set[str]:
    """The fields that an answer must have by Hugging Face's specification of the task."""
    kind, added = OUTPUTS[task]
    required = {one.name for one in dataclasses.fields(kind) if one.default is dataclasses.MISSING}
    return required - NOT_OF_TOKENS | added


# Relations have no task there; of dialogue only the text is needed. Where tokens stand in a text, tokens do not say.
OUTPUTS = {
    "token_classification": (huggingface_hub.TokenClassificationOutputElement, {"entity_group"}),
    "text_classification": (huggingface_hub.TextClassificationOutputElement, set()),
    "relation_extraction": (huggingface_hub.TextClassificationOutputElement, set()),
    "question_answering": (huggingface_hub.QuestionAnsweringOutputElement, {"start", "end"}),
    "translation": (huggingface_hub.TranslationOutput, set()),
    "summarisation": (huggingface_hub.SummarizationOutput, set()),
    "dialogue": (huggingface_hub.Text2TextGenerationOutput, set()),
}
NOT_OF_TOKENS = {"start", "end"}


# --- token classification --------------------------------------------------------------------------------------


@given(
    st.lists(st.integers(1, 40), min_size=1, max_size=80),
    st.integers(1, 30),
)
def test_every_word_is_in_a_window_and_every_window_fits(sizes, space):
    words = [[1000 + index] * size for index, size in enumerate(sizes)]
    windows = list(windows_of(0, words, space, [101], [102]))
    covered = set()
    for window in windows:
        assert len(window.pieces) <= space + 2
        assert (window.pieces[0], window.pieces[-1]) == (101, 102)
        for offset, position in enumerate(window.first):
            assert window.pieces[position] == 1000 + window.start + offset
            covered.add(window.start + offset)
    assert covered == set(range(len(words)))
    assert [w.start for w in windows] == sorted({w.start for w in windows})


def test_windows_overlap():
    words = [[index] for index in range(100)]
    windows = list(windows_of(0, words, 20, [], []))
    for before, after in itertools.pairwise(windows):
        assert before.start < after.start < before.start + len(before.first)


def test_a_long_sentence_is_read_whole_and_each_word_from_its_best_window(tiny_encoder, engine):
    task = make("token_classification")
    words = " ".join(["Anna", "met", "Oslo", "."] * 60)
    example = tagged(1, words, *(Span(i, i + 1, "PER") for i in range(0, 240, 4)))
    encoder = task.model.build(ModelConfig(name=str(tiny_encoder)), ("PER",), "eager")
    encoded = task.model.encode([example], encoder)
    assert encoded.notes["windowed_sentences"] == 1
    assert len(encoded.windows) > 3
    assert max(encoded.lengths) <= 64
    (prediction,) = task.model.decode(encoded, forward(encoder.model, encoded, 64, engine))
    assert len(prediction.tags) == 240

    # Each window votes for a tag of its own; a word takes the vote of the window it stands deepest in.
    def outputs():
        for number, window in enumerate(encoded.windows):
            logits = torch.full((1, len(window.pieces), 3), -5.0)
            logits[..., number % 3] = 5.0
            yield Batch({}, torch.zeros(1), (number,), 0), logits

    (prediction,) = task.model.decode(encoded, outputs())
    for word, tag in enumerate(prediction.tags):
        depth = [
            min(position, len(w.pieces) - position)
            if 0 <= word - w.start < len(w.first) and (position := w.first[word - w.start])
            else -1
            for w in encoded.windows
        ]
        assert tag == encoded.outputs[int(numpy.argmax(depth)) % 3]


def test_words_without_a_piece_are_read_as_unknown_and_counted(tiny_encoder, engine):
    task = make("token_classification")
    example = Tagged("a", Origin("f", 1), ("Anna", "\u200b", "", "\u00a0", "\ufe0f", "\x07", "left"), ())
    encoder = task.model.build(ModelConfig(name=str(tiny_encoder)), ("PER",), "eager")
    encoded = task.model.encode([example], encoder)
    assert (encoded.notes["dropped_words"], encoded.notes["unknown_words"]) == (5, 5)
    (prediction,) = task.model.decode(encoded, forward(encoder.model, encoded, 64, engine))
    assert len(prediction.tags) == 7


def test_a_tokenizer_with_truncation_switched_on_loses_nothing(tiny_encoder):
    from halluc.engine.references import ModelSource

    tokenizer = load_tokenizer(ModelSource(str(tiny_encoder)))
    (pieces,), dropped = word_pieces(tokenizer, [["Anna"] * 50])
    assert (len(pieces), dropped) == (50, 0)
    assert len(tokenizer("the a of")["input_ids"]) == 5
    assert special_pieces(tokenizer) == ([tokenizer.cls_token_id], [tokenizer.sep_token_id])


def test_only_the_first_piece_of_a_word_is_labelled(tiny_encoder):
    task = make("token_classification")
    encoder = task.model.build(ModelConfig(name=str(tiny_encoder)), ("PER",), "eager")
    encoded = task.model.encode([tagged(1, "xyz Anna", Span(1, 2, "PER"))], encoder)
    batch = encoded.collate([0])
    # [CLS] x ##y ##z anna [SEP]
    assert batch.labels.tolist() == [[-100, 0, -100, -100, encoded.outputs.index("B-PER"), -100]]
    assert batch.weight == 2


def test_a_label_that_the_model_does_not_know_is_left_out_of_the_loss_and_counted(tiny_encoder):
    task = make("token_classification")
    encoder = task.model.build(ModelConfig(name=str(tiny_encoder)), ("PER",), "eager")
    encoded = task.model.encode([tagged(1, "Anna Oslo", Span(0, 1, "PER"), Span(1, 2, "LOC"))], encoder)
    assert encoded.notes["unknown_label_tokens"] == 1
    assert list(encoded.weights) == [1]


def test_confidence_is_the_geometric_mean_of_the_tags_probabilities(tiny_encoder):
    task = make("token_classification")
    encoder = task.model.build(ModelConfig(name=str(tiny_encoder)), ("PER",), "eager")
    encoded = task.model.encode([tagged(1, "Anna Berg left")], encoder)
    probabilities = torch.tensor([[1, 0, 0], [0.1, 0.8, 0.1], [0.25, 0.25, 0.5], [0.6, 0.2, 0.2], [1, 0, 0]])
    batch = Batch({}, torch.zeros(1), (0,), 0)
    (prediction,) = task.model.decode(encoded, [(batch, probabilities.clamp(min=1e-9).log()[None])])
    assert prediction.tags == ("B-PER", "I-PER", "O")
    assert prediction.spans == (Span(0, 2, "PER"),)
    assert prediction.confidences[0] == pytest.approx(math.sqrt(0.8 * 0.5), rel=1e-5)


def test_label_smoothing_changes_the_loss(tiny_encoder):
    plain, smooth = make("token_classification"), make("token_classification", label_smoothing=0.1)
    encoder = plain.model.build(ModelConfig(name=str(tiny_encoder)), ("PER",), "eager")
    encoder.model.eval()
    losses = []
    for task in (plain, smooth):
        encoded = task.model.encode(EXAMPLES["token_classification"][:1], encoder)
        batch = encoded.collate([0])
        losses.append(encoded.loss(encoder.model(**batch.inputs), batch).item())
    assert losses[0] != pytest.approx(losses[1], rel=1e-4)


@pytest.mark.parametrize(
    ("reference", "told"),
    [
        ("package:no_such_package/model", "no Python package `no_such_package`"),
        ("package:../etc", "no Python package"),
        ("no/such/folder", "there is no folder"),
        ("tests", "has no config.json"),
    ],
)
def test_a_model_that_is_not_there_is_reported(reference, told):
    with pytest.raises(HallucError, match=told) as caught:
        TokenClassification(TokenClassification.Config(type="token_classification")).model.build(
            ModelConfig(name=reference), ("PER",), "eager"
        )
    assert caught.value.exit_code == 4


def test_a_folder_with_broken_weights_is_reported(tmp_path, tiny_encoder):
    import shutil

    broken = tmp_path / "broken"
    shutil.copytree(tiny_encoder, broken)
    (broken / "model.safetensors").write_bytes(b"\x10\x00\x00\x00\x00\x00\x00\x00not json")
    with pytest.raises(HallucError, match="cannot load the model") as caught:
        make("token_classification").model.build(ModelConfig(name=str(broken)), ("PER",), "eager")
    assert caught.value.exit_code == 4
    assert "copy it again" in caught.value.help
