"""The promises of the corpus of customer questions that ships."""

from __future__ import annotations

import json
import re
from collections import Counter, defaultdict
from importlib import resources
from itertools import combinations, pairwise
from statistics import mean, quantiles

import pytest

from halluc.gap.stopwords import is_content

SPLITS = ("train", "dev", "test")
OUT_OF_SCOPE = "oos"
INTENTS = {
    "bill_query", "cancel_order", "change_delivery", "change_tariff", "damaged_item", "meter_reading",
    "missing_parcel", "move_home", "power_cut", "refund_status", "return_item", "track_parcel",
}  # fmt: skip
# Companies and products that a text on parcels, electricity or things for the home might slip into.
BRANDS = (
    "amazon, apple, argos, currys, deliveroo, dhl, dpd, dyson, ebay, edf, enel, engie, eon, evri, facebook, fedex, "
    "google, gls, hermes, ikea, inpost, instagram, klarna, lidl, microsoft, netflix, npower, octopus, ofgem, ovo, "
    "paypal, philips, purolator, rwe, samsung, shein, siemens, tesco, tesla, tnt, uber, ups, usps, vattenfall, vinted, "
    "whatsapp, yodel, zalando, british gas, royal mail, scottish power, alexa, siri, chatgpt, bosch"
)


def words(text):
    return re.findall(r"\w+|[^\w\s]", text.casefold())


def content(text):
    return [word for word in words(text) if is_content(word)]


@pytest.fixture(scope="module")
def demo():
    folder = resources.files("halluc.data") / "demo" / "intents"
    lines = {split: (folder / f"{split}.jsonl").read_text(encoding="utf-8").splitlines() for split in SPLITS}
    return {split: [json.loads(line) for line in found] for split, found in lines.items()}


@pytest.fixture(scope="module")
def known(demo):
    """The content words of train."""
    return {word for record in demo["train"] for word in content(record["text"])}


def unseen_shares(records, known):
    """For each text, the share of its content words that train never shows."""
    found = [content(record["text"]) for record in records]
    return [sum(word not in known for word in text) / len(text) for text in found if text]


def test_records_have_an_id_a_text_and_a_label(demo):
    for split, records in demo.items():
        assert [record["id"] for record in records] == [f"{split}-{n}" for n in range(1, len(records) + 1)]
        assert all(list(record) == ["id", "text", "label"] for record in records)
        assert all(record["text"] == record["text"].strip() and words(record["text"]) for record in records)


@pytest.mark.parametrize(("split", "least", "outside"), [("train", 340, 30), ("dev", 90, 15), ("test", 140, 35)])
def test_sizes_and_labels(demo, split, least, outside):
    counts = Counter(record["label"] for record in demo[split])
    assert counts.total() >= least
    assert counts[OUT_OF_SCOPE] >= outside
    assert set(counts) == INTENTS | {OUT_OF_SCOPE}


def test_intents_are_uneven_and_none_is_too_rare(demo):
    counts = {split: Counter(r["label"] for r in records if r["label"] in INTENTS) for split, records in demo.items()}
    for split, least in (("train", 10), ("dev", 4), ("test", 6)):
        found = counts[split]
        assert min(found.values()) >= least
        assert max(found.values()) >= 2.5 * min(found.values())
        assert max(found.values()) <= 0.2 * found.total()
        for label in INTENTS:
            assert found[label] / found.total() == pytest.approx(
                counts["train"][label] / counts["train"].total(), abs=0.03
            )


def test_neighbours_in_a_file_differ_in_label(demo):
    for records in demo.values():
        same = sum(a["label"] == b["label"] for a, b in pairwise(records))
        assert same / len(records) <= 0.2


def test_no_text_is_repeated(demo):
    places = defaultdict(list)
    for records in demo.values():
        for record in records:
            places[" ".join(words(record["text"]))].append(record["id"])
    assert [found for found in places.values() if len(found) > 1] == []


def test_no_text_is_nearly_another_one(demo):
    kept = [(record["id"], set(words(record["text"]))) for records in demo.values() for record in records]
    near = [(a, b) for (a, left), (b, right) in combinations(kept, 2) if len(left & right) >= 0.8 * len(left | right)]
    assert near == []


@pytest.mark.parametrize("split", ["dev", "test"])
def test_a_third_of_the_content_words_is_new_and_dev_is_like_test(demo, known, split):
    found = [word for record in demo[split] for word in content(record["text"])]
    assert 0.30 <= sum(word not in known for word in found) / len(found) <= 0.45
    low, middle, high = quantiles(unseen_shares(demo[split], known), n=4)
    assert low <= 0.2 < middle < 0.45 < high <= 0.7


def test_texts_out_of_scope_share_fewer_words_with_train(demo, known):
    inside = [record for record in demo["test"] if record["label"] in INTENTS]
    outside = [record for record in demo["test"] if record["label"] == OUT_OF_SCOPE]
    assert mean(unseen_shares(outside, known)) > mean(unseen_shares(inside, known)) + 0.1
    assert any(share <= 0.34 for share in unseen_shares(outside, known)), "some lie near"


def test_lengths_vary(demo):
    lengths = [len(words(record["text"])) for records in demo.values() for record in records]
    assert min(lengths) <= 2
    assert max(lengths) >= 45
    assert 10 <= mean(lengths) <= 18


def test_texts_are_plain(demo):
    for records in demo.values():
        for record in records:
            assert record["text"].isascii(), record["id"]
            assert record["text"].isprintable(), record["id"]
            assert "  " not in record["text"], record["id"]


def test_no_real_company_is_named(demo):
    for records in demo.values():
        for record in records:
            text = f" {' '.join(words(record['text']))} "
            assert [brand for brand in BRANDS.split(", ") if f" {brand} " in text] == [], record["id"]
