"""The judge of tasks that write a text: statements and sentences against source and references."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import pytest
from pydantic import ValidationError

from halluc.core.errors import HallucError
from halluc.core.examples import Span
from halluc.core.rng import hash64
from halluc.tasks.text_generation.config import ClaimsConfig, GroundingConfig
from halluc.tasks.text_generation.degeneration import detachment, is_oscillatory, repeated_outputs
from halluc.tasks.text_generation.entailment import EntailmentScorer
from halluc.tasks.text_generation.grounding import REFERENCE_THRESHOLDS, SCORERS, THRESHOLDS, WordScorer, fact_precision
from halluc.tasks.text_generation.judge import EvidenceRule, GenerationJudge
from halluc.tasks.text_generation.source_text import Sourced
from halluc.tasks.text_generation.statements import EvidenceTexts

SOURCE = 'The council of Ardlow met on 3 May 2015. Mayor Jean Kerr said: "We will build 1,200 homes."'


@dataclass(frozen=True)
class TextPart:
    name: str
    content: str


@dataclass(frozen=True)
class Texts:
    parts: tuple[TextPart, ...]
    targets: tuple[str, ...] = ()
    id: str = "e1"
    language: str = "en"
    source_language: str = "en"

    known_words = Sourced.known_words

    def text(self, part: TextPart) -> str:
        return part.content


@dataclass(frozen=True)
class Output:
    text: str
    confidences: tuple[float | None, ...]
    repeated: bool = False


def texts(source: str = SOURCE, *targets: str, **more: Any) -> Texts:
    return Texts((TextPart("document", source),), targets, **more)


def judged(judge: GenerationJudge, example: Texts, output: str, *, repeated: bool = False):
    confidences = (0.5,) * len(judge.statements(output, example))
    return judge.judge(example, judge.claims(example, Output(output, confidences, repeated)))


def verdicts(judge: GenerationJudge, example: Texts, output: str, **more: bool):
    return [(one.label, one.text, one.verdict, one.reason) for one in judged(judge, example, output, **more).claims]


def sentence(judge: GenerationJudge, example: Texts, output: str, **more: bool):
    ((verdict, reason),) = [found[2:] for found in verdicts(judge, example, output, **more) if found[0] == "sentence"]
    return verdict, reason


def test_other_forms_of_a_source_statement_are_supported_and_missing_statements_are_not():
    output = "In May 2015 Jean Kerr and Paul Reid planned one thousand two hundred homes, not 1,300."
    assert verdicts(GenerationJudge(), texts(), output) == [
        ("sentence", output, "unsupported", "not_grounded"),
        ("date", "May 2015", "supported", None),
        ("name", "Jean Kerr", "supported", None),
        ("name", "Paul Reid", "unsupported", "not_in_source"),
        ("number", "one thousand two hundred", "supported", None),
        ("number", "1,300", "unsupported", "not_in_source"),
    ]


def test_a_reference_is_evidence_too_unless_the_config_says_not():
    example = texts(SOURCE, "Mayor Paul Reid spoke in Orden.")
    output = "Mayor Paul Reid spoke in Orden."
    assert {verdict for *_, verdict, _ in verdicts(GenerationJudge(), example, output)} == {"supported"}
    judge = GenerationJudge(grounding=GroundingConfig(references=False))
    assert {verdict for *_, verdict, _ in verdicts(judge, example, output)} == {"unsupported"}


def test_claims_have_their_place_in_the_output_and_the_confidence_of_the_prediction():
    judge = GenerationJudge(ClaimsConfig(kinds=["date", "number"]))
    example = texts()
    claims = judge.claims(example, Output("On 3 May 2015, 1,200.", (0.25, 0.75)))
    assert [(one.kind, one.where, one.confidence) for one in claims] == [
        ("statement", Span(1, 4, "date"), 0.25),
        ("statement", Span(5, 8, "number"), 0.75),
    ]


def test_gold_without_an_equal_claim_is_omitted():
    judge = GenerationJudge()
    example = texts(SOURCE, "Jean Kerr wants 1,200 homes by June 2016.")
    assert [one.text for one in judge.gold(example)] == ["Jean Kerr", "1,200", "June 2016"]
    assert [one.text for one in judged(judge, example, "Jean Kerr wants 1200 homes.").omissions] == ["June 2016"]
    said = judged(judge, example, "By June 2016, 1200 homes; 1,200!").claims
    assert [one.evidence.matched for one in said if one.kind == "statement"] == [
        next(gold.mark for gold in judge.gold(example) if gold.text == "June 2016"),
        next(gold.mark for gold in judge.gold(example) if gold.text == "1,200"),
        None,
    ]
    assert judge.gold(texts()) == ()


@pytest.mark.parametrize(
    "output",
    [
        "Yesterday Dr. Anna Berg left.", "The Norwegian Anna Berg left.", "Anna Berg of QX left.", "ANNA BERG left.",
        "anna berg left.", "Berg Anna left.",
    ],
)  # fmt: skip
def test_gold_that_the_output_states_in_another_form_is_not_omitted(output):
    example = texts("Anna Berg left in May. Paul Reid left in June.", "Anna Berg and Paul Reid left.")
    said = judged(GenerationJudge(), example, output)
    assert [one.text for one in said.omissions] == ["Paul Reid"]
    (gold, _) = GenerationJudge().gold(example)
    assert sum(gold.mark in (one.evidence.matched, *one.evidence.touched) for one in said.claims) == 1


def test_gold_with_an_equal_claim_is_not_taken_by_a_claim_that_also_states_it():
    example = texts("Anna Berg left.", "Anna Berg left.")
    said = judged(GenerationJudge(), example, "Anna Berg of QX left. Then Anna Berg left.")
    assert {one.text for one in said.claims if one.evidence.matched} == {"Anna Berg"}
    assert not any(one.evidence.touched for one in said.claims)


@pytest.mark.parametrize("output", ["Zorblax did not agree.", "Paris is closed.", "Zorblax's homes burned."])
def test_an_invented_name_that_begins_a_sentence_is_unsupported_and_so_is_the_sentence(output):
    example = texts("The council did not agree. The office is closed. The homes burned.")
    assert [found[2] for found in verdicts(GenerationJudge(), example, output)] == ["unsupported", "unsupported"]


def test_capitals_are_never_function_words_of_another_language():
    example = texts("Barack Stone of the bank went home.")
    for acronym in ("AUCH", "WO", "EST", "IT", "WHO", "QX"):
        found = verdicts(GenerationJudge(), example, f"Barack Stone of {acronym} went home.")
        assert ("name", f"Barack Stone of {acronym}", "unsupported", "not_in_source") in found, acronym


def test_sentences_of_a_translation_are_unverifiable_without_a_reference():
    source = texts("Der Rat von Ardlow will 1.200 Häuser bauen.", source_language="de")
    judge = GenerationJudge(rule=EvidenceRule(is_same_language=False))
    output = "The council of Ardlow wants to build 1,200 houses."
    assert [found[2:] for found in verdicts(judge, source, output)] == [
        ("unverifiable", "no_evidence"), ("supported", None), ("supported", None),
    ]  # fmt: skip
    with_reference = replace(source, targets=("Ardlow's council will build 1,200 houses.",))
    assert sentence(judge, with_reference, output) == ("supported", None)
    assert sentence(judge, with_reference, "My breakfast was cold.") == ("unsupported", "not_grounded")


def test_an_oscillatory_or_detached_output_is_unsupported_whatever_the_evidence():
    judge = GenerationJudge(rule=EvidenceRule(is_same_language=False))
    looping = "the room and the room and the room and the room and the room"
    assert sentence(judge, texts("Das Zimmer war gut."), looping) == ("unsupported", "oscillatory")
    assert sentence(judge, texts("Das Zimmer war gut."), "It was fine.", repeated=True) == ("unsupported", "detached")
    assert sentence(judge, texts("Das Zimmer war gut."), "It was fine.") == ("unverifiable", "no_evidence")


def test_an_output_that_others_have_too_is_not_detached_where_it_is_right():
    judge = GenerationJudge(rule=EvidenceRule(is_same_language=False))
    thanks = texts("Many thanks!", "Danke schön!", language="de")
    assert sentence(judge, thanks, "Danke schön.", repeated=True) == ("supported", None)
    longer = replace(thanks, targets=("Der Rat tagt im Mai, und danke schön dafür!",))
    assert sentence(judge, longer, "Danke schön dafür.", repeated=True) == ("supported", None)
    assert sentence(judge, longer, "Guten Abend.", repeated=True) == ("unsupported", "detached")


def test_claims_are_read_in_the_language_of_the_whole_output():
    source = "Der Rat der Stadt tagte am 20. März 2015 und gab 1.500 Euro aus, aber nicht mehr."
    example = texts(source, "Der Rat war am 14. Mai 2015 nicht da.", language="", source_language="")
    output = "Der Rat hat am 14. Mai 2015 getagt und nicht mehr als 1.500 Euro ausgegeben."
    judge = GenerationJudge(ClaimsConfig(kinds=["number", "date"]), GroundingConfig(references=False))
    found = judged(judge, example, output)
    assert [(one.text, one.verdict) for one in found.claims] == [
        ("14. Mai 2015", "unsupported"), ("1.500", "supported"),
    ]  # fmt: skip
    assert found.claims[0].evidence.matched is not None
    assert found.omissions == ()


def test_only_the_parts_of_the_rule_are_evidence():
    parts = (TextPart("knowledge", "Ardlow has 900 people."), TextPart("turn:user", "Is Orden larger than Ardlow?"))
    example = Texts(parts)
    output, kinds = "I know Orden has 900.", ClaimsConfig(kinds=["name", "number"])
    of_all = verdicts(GenerationJudge(kinds), example, output)
    assert [found[2] for found in of_all] == ["supported", "supported"]
    of_knowledge = verdicts(GenerationJudge(kinds, rule=EvidenceRule(("knowledge",))), example, output)
    assert [found[2] for found in of_knowledge] == ["unsupported", "supported"]


def test_an_output_may_name_the_speakers_of_the_parts_that_are_evidence():
    example = Texts((TextPart("knowledge", "Ardlow is closed."), TextPart("turn:Priya", "My order did not arrive.")))
    output, names = "I am sorry to hear that, Priya.", ClaimsConfig(kinds=["name"])
    assert [found[2] for found in verdicts(GenerationJudge(names), example, output)] == ["supported"]
    of_knowledge = GenerationJudge(names, rule=EvidenceRule(("knowledge",)))
    assert [found[2] for found in verdicts(of_knowledge, example, output)] == ["unsupported"]


def test_an_empty_output_claims_nothing_and_an_empty_source_grounds_nothing():
    judge = GenerationJudge()
    assert judged(judge, texts(), "").claims == ()
    assert judged(judge, texts(), " \n... ").claims == ()
    assert verdicts(judge, Texts(()), "Kerr left Orden.")[0][2:] == ("unverifiable", "no_evidence")


def test_every_scorer_has_thresholds_and_distinguishes_a_copy_from_something_else():
    assert set(THRESHOLDS) == set(REFERENCE_THRESHOLDS) == {*SCORERS, "entailment"}
    for name in SCORERS:
        copy, other, mixed = WordScorer(name).scores(
            ["Mayor Jean Kerr said we will build homes", "My dog likes cold soup", "Mayor Jean Kerr likes cold soup"],
            [SOURCE],
        )
        assert 0 <= other < THRESHOLDS[name] <= copy <= 1, name
        assert other < mixed < copy, name


def test_a_wrong_name_lowers_the_combined_score():
    right, wrong = WordScorer("combined").scores(
        ["The council of Ardlow met on 3 May 2015.", "The council of Orden met on 3 May 2015."], [SOURCE], "en"
    )
    assert wrong < THRESHOLDS["combined"] <= right
    assert fact_precision("Jean Kerr left Orden", EvidenceTexts([SOURCE]), "en") == 0.5


@pytest.mark.parametrize(
    ("output", "source", "is_so"),
    [
        ("a b " * 12, "x y", True),  # Raunak et al. 2021
        ("a b " * 12, "a b " * 12, False),
        ("the bed and the bath and the bed and the bath", "Bett und Bad", True),
        ("the bed was soft and the room was warm", "Das Bett war weich", False),
        ("a model DMC-DMC-DMC-DMC-DMC-DMC", "ein Modell DMC", True),
        ("ha ha ha", "ha", False),
        ("", "", False),
    ],
)
def test_oscillation_is_repetition_that_the_source_lacks(output, source, is_so):
    assert is_oscillatory(output, [source]) is is_so


def test_an_output_of_unlike_sources_is_detached_and_that_of_like_ones_is_not():
    sources = [
        "Das Zimmer war sauber.",
        "Die Lieferung kam pünktlich an.",
        "Wir holen Sie morgen ab.",
        "Vielen Dank!",
        "vielen Dank",
        "Guten Abend.",
    ]
    outputs = ["The room was clean."] * 3 + ["Thank you!", "Thank you.", "Good evening."]
    assert repeated_outputs(outputs, sources) == [True, True, True, False, False, False]
    scores = detachment(outputs, sources)
    assert min(scores[:3]) > max(scores[3:])
    assert repeated_outputs(["Danke schön."] * 2, ["Thank you.", "Many thanks!"]) == [False, False]
    assert repeated_outputs(["The room was clean and very quiet too."] * 2, sources[:2]) == [True, True]
    assert repeated_outputs(["", ""], ["a", "b"]) == [False, False]


def test_a_model_that_always_writes_the_same_is_reported_in_linear_time():
    sources = [f"{hash64(str(number)):x} {hash64(str(-number - 1)):x}" for number in range(5000)]
    assert all(repeated_outputs(["The same."] * 5000, sources))


def test_scorers_take_time_in_proportion_to_a_long_source():
    source = "the council of Ardlow met again and again " * 5_000
    assert WordScorer("combined").scores(["the council of Ardlow met"], [source])[0] == 1.0
    assert is_oscillatory(source, ["short"])


def test_keys_of_grounding_that_do_not_go_together_are_refused():
    with pytest.raises(ValidationError, match="need each other"):
        GroundingConfig(scorer="entailment")
    with pytest.raises(ValidationError, match="need each other"):
        GroundingConfig(scorer="lcs", model="hub:x")
    with pytest.raises(ValidationError, match="cross_lingual"):
        GroundingConfig(cross_lingual=True)


# --- models ----------------------------------------------------------------------------------------------------------


def save_classifier(folder, labels: list[str], head: str = "BertForSequenceClassification") -> str:
    """A classifier with random weights, which knows the words of ``SOURCE`` and prefers its last label."""
    import torch
    import transformers

    from halluc.engine.scratch import make_tokenizer

    torch.manual_seed(3)
    tokenizer = make_tokenizer([SOURCE.split(), ["my", "dog", "likes", "cold", "soup"]], 200)
    settings = transformers.BertConfig(
        vocab_size=len(tokenizer), hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=32,
        max_position_embeddings=64, id2label=dict(enumerate(labels)),
        label2id={label: at for at, label in enumerate(labels)},
    )  # fmt: skip
    model = getattr(transformers, head)(settings)
    torch.nn.init.constant_(model.classifier.bias[-1:], 3.0 if "Token" in head else 0.0)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return str(folder)


@pytest.fixture(scope="module")
def classifier(tmp_path_factory) -> str:
    return save_classifier(tmp_path_factory.mktemp("nli"), ["CONTRADICTION", "NEUTRAL", "ENTAILMENT"])


def test_entailment_is_the_highest_probability_over_source_sentences(classifier):
    import torch
    import transformers

    sentences = ["Kerr said homes", "my dog likes cold soup"]
    premises = ["The council of Ardlow met on 3 May 2015.", 'Mayor Jean Kerr said: "We will build 1,200 homes."']
    model = transformers.AutoModelForSequenceClassification.from_pretrained(classifier).eval()
    tokenizer = transformers.AutoTokenizer.from_pretrained(classifier)
    with torch.inference_mode():
        by_hand = [
            max(
                model(**tokenizer(premise, sentence, return_tensors="pt")).logits.softmax(-1)[0, 2].item()
                for premise in premises
            )
            for sentence in sentences
        ]
    assert EntailmentScorer(classifier).scores(sentences, [SOURCE]) == pytest.approx(by_hand, abs=1e-5)
    assert EntailmentScorer(classifier).scores(sentences, [" "]) == [0.0, 0.0]
    assert len(EntailmentScorer(classifier).scores(["Kerr"], ["The council " * 300])) == 1  # longer than the model
    assert len(EntailmentScorer(classifier).scores(["Kerr said homes " * 90], ["The council"])) == 1  # so is the output


def test_an_entailment_model_judges_sentences_and_reads_other_languages_where_the_config_says_so(classifier):
    def judge(threshold: float, cross_lingual: bool) -> GenerationJudge:
        grounding = GroundingConfig(
            scorer="entailment", model=classifier, threshold=threshold, cross_lingual=cross_lingual
        )
        return GenerationJudge(grounding=grounding, rule=EvidenceRule(is_same_language=False))

    assert sentence(judge(0.0, True), texts(), "Kerr said homes") == ("supported", None)
    assert sentence(judge(1.0, True), texts(), "Kerr said homes") == ("unsupported", "not_grounded")
    assert sentence(judge(0.0, False), texts(), "Kerr said homes") == ("unverifiable", "no_evidence")


def test_a_classifier_without_a_label_of_entailment_is_refused(tmp_path):
    reference = save_classifier(tmp_path, ["not_entailment", "other"])
    with pytest.raises(HallucError, match="no label `entailment`; it has not_entailment, other"):
        EntailmentScorer(reference).scores(["Kerr"], [SOURCE])


def test_a_german_noun_is_a_name_where_the_source_in_another_language_says_so():
    example = texts("Mr Kerr left Berlin and the park.", "Kerr verließ Berlin.", language="de")
    judge = GenerationJudge(ClaimsConfig(kinds=["name"]), rule=EvidenceRule(is_same_language=False))
    assert [one.text for one in judge.gold(example)] == ["Kerr", "Berlin"]
    output = "In Berlin verließ Präsident Kerr den Park, Angela Brandt war da."
    found = judged(judge, example, output)
    assert [(one.text, one.verdict) for one in found.claims] == [
        ("Berlin", "supported"), ("Kerr", "supported"), ("Angela Brandt", "unsupported"),
    ]  # fmt: skip
    assert not found.omissions
    same = texts("Herr Kerr verließ Berlin.", language="de", source_language="de")
    assert judge.statements("Berlin ist in Berlin, sagt die Mutter Kerr.", same) == ()


def test_a_trained_model_finds_the_names_in_place_of_the_rules(tmp_path):
    model = save_classifier(tmp_path, ["O", "I-PER", "B-PER"], "BertForTokenClassification")
    judge = GenerationJudge(ClaimsConfig(kinds=["name", "number"], name_model=model))
    output = "mayor Kerr said 1,200"
    assert [(one.kind, one.text) for one in judge.statements(output, texts())] == [
        ("name", "mayor"), ("name", "Kerr"), ("name", "said"), ("number", "1,200"), ("name", "1"), ("name", "200"),
    ]  # fmt: skip
    assert all(output[one.start : one.end] == one.text for one in judge.statements(output, texts()))
    assert judge.statements("", texts()) == ()
