"""Examples from a language model behind an endpoint: what is sent, what is believed, what goes wrong."""

from __future__ import annotations

import json
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from halluc.augmentation.methods.base import OptionError, Rejected, Workspace
from halluc.augmentation.methods.llm_synthesis import LlmSynthesis, LlmSynthesisConfig, answer_record, parse_answer
from halluc.augmentation.models import endpoint as endpoints
from halluc.augmentation.models.endpoint import Endpoint
from halluc.core.edits import Editable
from halluc.core.errors import HallucError
from halluc.core.examples import Span
from halluc.core.rng import Draws
from tests.endpoint_server import EndpointServer, completion, sentence_of, serving

KEY = "sk-very-secret"


def example_of(text: str, *spans: tuple[int, int, str], **rest) -> Editable:
    return Editable(tuple(text.split()), tuple(Span(*span) for span in spans), **rest)


CORPUS = [
    example_of("Anna Berg left Oslo , it said .", (0, 2, "PER"), (3, 4, "LOC")),
    example_of("Bo Lund left Paris .", (0, 2, "PER"), (3, 4, "LOC")),
    example_of("It said nothing ."),
    example_of("It left ."),
]
KNOWN = frozenset(token for example in CORPUS for token in example.tokens)


@pytest.fixture
def server(monkeypatch) -> Iterator[EndpointServer]:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    with serving(sentence_of) as state:
        yield state


def method_of(folder: Path, url: str, **keys) -> LlmSynthesis:
    method = LlmSynthesis(LlmSynthesisConfig(type="llm_synthesis", url=url, **keys))
    method.fit(CORPUS, Workspace(folder, 1))
    return method


def sampled(method: LlmSynthesis, keys=range(8)) -> list[Editable | Rejected]:
    like = [CORPUS[key % len(CORPUS)] for key in keys]
    return method.sample_many(like, [Draws.of(key) for key in keys])


def test_samples_have_the_labels_of_what_they_take_the_place_of(tmp_path, server):
    made = sampled(method_of(tmp_path, server.url))
    for key, one in enumerate(made):
        assert isinstance(one, Editable)
        assert sorted(span.label for span in one.spans) == sorted(span.label for span in CORPUS[key % 4].spans)
        assert all(one.tokens[span.start].startswith("Name") for span in one.spans)
        assert one.tokens[-1] == "."
    assert len({one.tokens for one in made if isinstance(one, Editable)}) == 8
    assert set(server.paths) == {"/v1/chat/completions"}


def test_a_prompt_has_examples_with_the_same_labels_and_the_labels_wanted(tmp_path, server):
    method = method_of(tmp_path, server.url, shots=2, model="tiny", temperature=0.5, max_tokens=77)
    method.sample(CORPUS[0], Draws.of(1))
    (request,) = server.requests
    assert [one["role"] for one in request["messages"]] == ["system", "user", "assistant", "user", "assistant", "user"]
    assert request["messages"][-1]["content"] == "Length: about 6 words. Mentions: 1 of label LOC, 1 of label PER."
    shots = [json.loads(request["messages"][number]["content"]) for number in (2, 4)]
    assert sorted(shot["text"] for shot in shots) == ["Anna Berg left Oslo, it said.", "Bo Lund left Paris."]
    assert shots[0]["mentions"][0]["label"] == "PER"
    assert (request["model"], request["temperature"], request["max_tokens"]) == ("tiny", 0.5, 77)
    assert request["response_format"]["type"] == "json_schema"


def test_labels_of_the_whole_are_requested_and_preserved(tmp_path, server):
    method = LlmSynthesis(LlmSynthesisConfig(type="llm_synthesis", url=server.url))
    like = example_of("It left .", labels=("news",))
    method.fit([like], Workspace(tmp_path, 1))
    assert method.sample(like, Draws.of(1)).labels == ("news",)
    assert (
        server.requests[0]["messages"][-1]["content"]
        == "Labels of the text: news. Length: about 2 words. Mentions: none."
    )


def test_cached_answers_are_private_and_give_the_same_result(tmp_path, server):
    first = sampled(method_of(tmp_path, server.url))
    asked = len(server.requests)
    assert asked == 8
    method = method_of(tmp_path, server.url, max_requests=1, concurrent=1)
    assert sampled(method) == first
    assert len(server.requests) == asked
    files = list(tmp_path.rglob("*.json"))
    assert len(files) == 8
    assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}
    assert stat.S_IMODE(files[0].parent.stat().st_mode) == 0o700
    assert not any(KEY in file.read_text() for file in files)
    facts = method.facts()
    assert (facts["answers"], facts["prompt_tokens"], facts["completion_tokens"]) == (8, 56, 24)
    files[0].write_text("{damaged")
    assert sampled(method_of(tmp_path, server.url)) == first
    assert len(server.requests) == asked + 1


def test_the_key_is_sent_and_only_if_there_is_one(tmp_path, server, monkeypatch):
    method_of(tmp_path, server.url).sample(CORPUS[0], Draws.of(1))
    assert server.headers[-1]["Authorization"] == f"Bearer {KEY}"
    monkeypatch.delenv("OPENAI_API_KEY")
    method_of(tmp_path, server.url).sample(CORPUS[0], Draws.of(2))
    assert "Authorization" not in server.headers[-1]


def test_a_text_without_blanks_is_asked_for_by_its_characters(tmp_path, server):
    method_of(tmp_path, server.url).sample(example_of("他 在 北京 。"), Draws.of(1))
    assert "Length: about 5 characters." in server.requests[0]["messages"][-1]["content"]


def test_an_answer_that_cannot_be_cached_is_an_error(tmp_path, server):
    folder = tmp_path / "file"
    folder.write_text("not a folder")
    with pytest.raises(HallucError) as raised:
        method_of(folder, server.url).sample(CORPUS[0], Draws.of(1))
    assert raised.value.code == "E401"


def test_locked_examples_are_rejected_without_a_request(tmp_path, server):
    (made,) = method_of(tmp_path, server.url).sample_many([CORPUS[0]._replace(locked=((0, 1),))], [Draws.of(1)])
    assert isinstance(made, Rejected)
    assert made.reason == "locked"
    assert not server.requests
    method = LlmSynthesis(LlmSynthesisConfig(type="llm_synthesis", url=server.url))
    with pytest.raises(OptionError) as raised:
        method.fit([CORPUS[0]._replace(locked=((0, 1),))], Workspace(tmp_path, 1))
    assert raised.value.code == "C147"


# --- what an answer may be --------------------------------------------------------------------------------------


def answer(text: object, *mentions: tuple[object, object]) -> str:
    return json.dumps({"text": text, "mentions": [{"text": one, "label": label} for one, label in mentions]})


GOOD = (("Eva Ek", "PER"), ("Rome", "LOC"))


@pytest.mark.parametrize(
    ("text", "outcome"),
    [
        ("Sorry, I cannot.", "no JSON as asked"),
        ("", "no JSON as asked"),
        ("{}", "no JSON as asked"),
        ("[1]", "no JSON as asked"),
        (answer(3, *GOOD), "no JSON as asked"),
        (answer("Eva Ek left Rome.", ("Eva Ek", None), ("Rome", "LOC")), "no JSON as asked"),
        ('{"text": "a", "mentions": {"text": 1}}', "no JSON as asked"),
        (answer("...", *GOOD), "no text"),
        (answer("Eva Ek left \ud800 Rome.", *GOOD), "no text"),
        (answer("Eva Ek left Rome."), "other labels than asked"),
        (answer("Eva Ek left Rome.", ("Eva Ek", "PER"), ("Rome", "ORG")), "other labels than asked"),
        (answer("Eva Ek left Rome.", ("Eva", "PER"), ("Roma", "LOC")), "mention not in text"),
        (answer("Eva Ek left Rome.", ("", "PER"), ("Rome", "LOC")), "mention not in text"),
        (answer("Eva Ek left Romes.", *GOOD), "mention not in text"),
        (answer("Eva Ek left Rome, Rome.", *GOOD), "mention not labelled everywhere"),
        (answer("Eva Ek left Rome.", *reversed(GOOD)), "order of mentions"),
        (answer("Eva Ek left Rome.", ("Eva Ek", "PER"), ("Ek", "LOC")), "order of mentions"),
    ],
)
def test_an_answer_that_is_not_as_asked_is_rejected_by_reason(text, outcome):
    with pytest.raises(Rejected) as raised:
        parse_answer(text, CORPUS[0], KNOWN)
    assert raised.value.reason == outcome


@pytest.mark.parametrize("around", ["{}", "```json\n{}\n```", "Here it is: {} Bye."])
def test_a_good_answer_is_divided_as_the_training_split(around):
    made = parse_answer(around.replace("{}", answer("Eva Ek left Rome, it said.", *GOOD)), CORPUS[0], KNOWN)
    assert made.tokens == ("Eva", "Ek", "left", "Rome", ",", "it", "said", ".")
    assert made.spans == (Span(0, 2, "PER"), Span(3, 4, "LOC"))


def test_a_training_example_as_it_is_shown_is_parsed_back():
    for example in CORPUS:
        assert parse_answer(json.dumps(answer_record(example)), example, KNOWN) == example


@given(
    st.one_of(st.text(), st.builds(answer, st.text(), st.tuples(st.text(), st.sampled_from(["PER", "LOC"])))),
)
def test_whatever_is_answered_an_example_has_the_labels_asked_for_or_is_rejected(text):
    like = example_of("Bo left .", (0, 1, "PER"))
    try:
        made = parse_answer(text, like, KNOWN)
    except Rejected as rejected:
        assert rejected.reason
        return
    assert [span.label for span in made.spans] == ["PER"]
    assert all(token and token.split() == [token] for token in made.tokens)
    assert 0 <= made.spans[0].start < made.spans[0].end <= len(made.tokens)


# --- endpoints that fail ----------------------------------------------------------------------------------------


def endpoint_of(folder: Path, url: str, waits: list[float], retries: int = 3, most: int = 100, timeout: float = 5):
    config = LlmSynthesisConfig(type="llm_synthesis", url=url, timeout=timeout, retries=retries, max_requests=most)
    return Endpoint(config, KEY, folder, waits.append)


def error_of(folder: Path, url: str, waits: list[float], **limits) -> OptionError:
    with pytest.raises(OptionError) as raised:
        endpoint_of(folder, url, waits, **limits).complete({"model": "m"})
    assert raised.value.exit_code == 4
    assert KEY not in f"{raised.value.message} {raised.value.help}"
    assert not list(folder.rglob("*.json"))
    return raised.value


def test_a_busy_endpoint_is_asked_again_after_longer_and_longer_waits(tmp_path, server):
    replies = [(503, {}, b"busy"), (429, {"Retry-After": "9"}, b"slow"), (500, {}, b""), (200, {}, completion("yes"))]
    server.reply = lambda request: replies[len(server.requests) - 1]
    waits: list[float] = []
    found = endpoint_of(tmp_path, server.url, waits).complete({"model": "m"})
    assert (found.text, found.prompt_tokens, found.completion_tokens) == ("yes", 7, 3)
    assert waits == [1.0, 9.0, 4.0]


@pytest.mark.parametrize(
    ("reply", "told", "requests"),
    [
        ((503, {}, b"busy"), "answered 503: busy", 4),
        ((401, {}, f"bad key {KEY}".encode()), "answered 401: bad key ***", 1),
        ((404, {}, b"no model"), "answered 404: no model", 1),
        ((302, {"Location": "http://127.0.0.1:9/"}, b""), "a redirect, which is not followed", 1),
        ((200, {}, b"<html>"), "did not answer with a chat completion", 1),
        ((200, {}, b"{}"), "did not answer with a chat completion", 1),
        ((200, {}, b'{"choices": []}'), "did not answer with a chat completion", 1),
        ((200, {}, completion(None)), "did not answer with a chat completion", 1),
        ((200, {}, b"\xff\xfe"), "did not answer with a chat completion", 1),
        ((200, {"Content-Length": "999"}, completion("short")), "cannot be reached: IncompleteRead", 4),
    ],
)
def test_an_endpoint_that_fails_is_an_error_that_says_how(tmp_path, server, reply, told, requests):
    server.reply = lambda request: reply
    error = error_of(tmp_path, server.url, [], timeout=2)
    assert error.code == "E450"
    assert told in error.message
    assert len(server.requests) == requests


def test_an_endpoint_that_is_not_there_or_silent_is_an_error(tmp_path, server):
    assert "cannot be reached" in error_of(tmp_path, "http://127.0.0.1:1/v1", []).message
    server.reply = lambda request: __import__("time").sleep(1) or (200, {}, b"")
    assert "cannot be reached: TimeoutError" in error_of(tmp_path, server.url, [], timeout=0.1, retries=0).message


def test_an_endless_answer_is_cut(tmp_path, server, monkeypatch):
    monkeypatch.setattr(endpoints, "_MOST_BYTES", 100)
    server.reply = lambda request: (200, {}, completion("x" * 200))
    assert "more than 100 bytes" in error_of(tmp_path, server.url, [], retries=0).message


def test_a_budget_of_requests_ends_the_run_and_a_larger_one_resumes_it(tmp_path, server):
    with pytest.raises(OptionError) as raised:
        sampled(method_of(tmp_path, server.url, max_requests=5, concurrent=1))
    assert raised.value.code == "E451"
    assert len(server.requests) == 5
    assert not any(isinstance(one, Rejected) for one in sampled(method_of(tmp_path, server.url, max_requests=3)))
    assert len(server.requests) == 8


@pytest.mark.parametrize("url", ["127.0.0.1:8000", "ftp://127.0.0.1", "http://", "http://u:p@127.0.0.1", "http://[", "http://127.0.0.1:99999", "http://127.0.0.1/v1?x=1", "http://127.0.0.1/\n"])  # fmt: skip  # noqa: E501
def test_what_is_no_url_is_refused(tmp_path, url):
    with pytest.raises(OptionError) as raised:
        method_of(tmp_path, url)
    assert (raised.value.code, raised.value.key, raised.value.exit_code) == ("C149", "url", 2)


def test_text_leaves_the_machine_only_for_the_host_that_is_named(tmp_path, monkeypatch):
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    for url in (
        "https://api.example.com/v1",
        "http://10.0.0.1/v1",
        "http://localhost.example.com",
        "http://127.0.0.1.example.com",
    ):
        with pytest.raises(OptionError, match="would be sent to") as raised:
            method_of(tmp_path, url, send_data_to="other.example.com")
        assert "send_data_to: " in str(raised.value.help)
    method_of(tmp_path, "https://api.example.com/v1", send_data_to="api.example.com")
    method_of(tmp_path, "http://10.0.0.1/v1", send_data_to="10.0.0.1")
    for url in ("http://localhost:1/v1", "http://127.8.0.1/v1", "http://[::1]:1/v1"):
        method_of(tmp_path, url)
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    with pytest.raises(OptionError, match="unencrypted"):
        method_of(tmp_path, "http://10.0.0.1/v1", send_data_to="10.0.0.1")
