"""The meaning of a model's outputs: renamed labels, and outputs mapped to tags."""

from __future__ import annotations

import pytest

from halluc.core.errors import HallucError
from halluc.tasks.label_names import output_labels, output_tags

IOB = ("O", "B-PERSON", "I-PERSON", "B-DATE", "I-DATE")
UNNAMED = tuple(f"LABEL_{number}" for number in range(3))


@pytest.mark.parametrize(
    ("outputs", "names", "tags"),
    [
        (IOB, {}, IOB),
        (IOB, {"PERSON": "PER", "DATE": None}, ("O", "B-PER", "I-PER", "O", "O")),
        (IOB, {"PERSON": "PER", "DATE": "O", "O": None}, ("O", "B-PER", "I-PER", "O", "O")),
        (IOB, {"B-PERSON": "B-PER", "I-PERSON": "I-PER"}, ("O", "B-PER", "I-PER", "B-DATE", "I-DATE")),
        (("O", "PERSON", "DATE"), {"PERSON": "PER"}, ("O", "I-PER", "I-DATE")),
        (("O", "PERSON"), {"PERSON": "S-PER"}, ("O", "S-PER")),
        (("PER_B", "PER_I", "O"), {"PER_B": "B-PER", "PER_I": "I-PER"}, ("B-PER", "I-PER", "O")),
        (UNNAMED, {}, ("I-LABEL_0", "I-LABEL_1", "I-LABEL_2")),
        (UNNAMED, {"LABEL_0": "O", "LABEL_1": "B-PER", "LABEL_2": "I-PER"}, ("O", "B-PER", "I-PER")),
        (UNNAMED, {"LABEL_0": None, "LABEL_1": "PER", "LABEL_2": "LOC"}, ("O", "I-PER", "I-LOC")),
        (UNNAMED, {"LABEL_0": "O", "LABEL_1": "U-PER", "LABEL_2": "L-PER"}, ("O", "S-PER", "E-PER")),
        (("O", "B-X", "I-X", "L-X", "U-X"), {"X": "Y"}, ("O", "B-Y", "I-Y", "E-Y", "S-Y")),
    ],
)
def test_each_output_of_a_token_classifier_has_a_tag(outputs, names, tags):
    assert output_tags(outputs, names) == tags


def test_each_output_of_a_text_classifier_has_a_label_or_none():
    assert output_labels(("pos", "neg"), {"pos": "good"}) == ("good", "neg")
    assert output_labels(UNNAMED, {"LABEL_0": "O", "LABEL_1": "B-PER", "LABEL_2": None}) == ("O", "B-PER", None)


@pytest.mark.parametrize(
    ("outputs", "names", "message", "help"),
    [
        (IOB, {"PERSN": "PER"}, "no label `PERSN`", "did you mean `PERSON`?"),
        (IOB, {"B-PERSN": "B-PER"}, "no label `B-PERSN`", "did you mean `B-PERSON`?"),
        (IOB, {"GPE": "LOC"}, "no label `GPE`", "it has DATE, PERSON"),
        (IOB, {"PERSON": "B-PER"}, "`PERSON` is a label: its outputs are B-PERSON, I-PERSON", "`PERSON: PER`"),
        (IOB, {"PERSON": "PER", "B-DATE": "O"}, "`PERSON` is a label", "`B-PERSON: B-PER`"),
        (UNNAMED, {"LABEL_0": "O", "LABEL_1": "B-PER", "LABEL_2": "PER"}, "`LABEL_2` to `PER`", "LABEL_2: B-PER"),
        (UNNAMED, {"LABEL_1": "B-PER", "LABEL_2": "I-PER"}, "no entry for LABEL_0", "`LABEL_0: null`"),
        (UNNAMED, {"LABEL_1": "PER"}, "no entry for LABEL_0, LABEL_2", "`LABEL_0: null`"),
    ],
)
def test_what_makes_no_sense_is_refused(outputs, names, message, help):
    with pytest.raises(HallucError) as caught:
        output_tags(outputs, names)
    assert caught.value.code == "C203"
    assert message in caught.value.message
    assert help in str(caught.value.help)


def test_names_of_a_text_classifier_are_refused_alike():
    for names, message in (({"LABEL_9": "x"}, "no label `LABEL_9`"), ({"LABEL_0": "x"}, "LABEL_1, LABEL_2")):
        with pytest.raises(HallucError, match=message):
            output_labels(UNNAMED, names)
