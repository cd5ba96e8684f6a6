"""``halluc serve``: requests, errors, limits, who may ask, metrics, and how it stops."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from types import SimpleNamespace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

pytest.importorskip("fastapi", reason="fastapi is not here: pip install 'halluc[serve]'")
pytest.importorskip("uvicorn", reason="uvicorn is not here: pip install 'halluc[serve]'")
pytest.importorskip("prometheus_client", reason="prometheus-client is not here: pip install 'halluc[serve]'")

import huggingface_hub

from halluc import api
from halluc.workflows.serving.limits import Limits
from tests.conftest import write_corpus, write_experiment
from tests.served import JSON, Served, serving

TEXT = "Anna Berg visited  Oslo."
TOKEN = "a-token-of-more-than-16-characters"


@pytest.fixture(scope="module")
def run(tmp_path_factory, tiny_encoder) -> str:
    folder = tmp_path_factory.mktemp("served")
    config = write_experiment(folder, tiny_encoder, write_corpus(folder))
    (trained,) = api.train(config)
    return str(trained.run)


@pytest.fixture(scope="module")
def predictor(run):
    return api.load(run)


@pytest.fixture(scope="module")
def served(predictor) -> Iterator[Served]:
    with serving(predictor, Limits(body=20_000, text=3_000, wait=0.0)) as found:
        yield found


@pytest.fixture(scope="module")
def guarded(predictor) -> Iterator[Served]:
    """A server on every address, which therefore has a token."""
    with contextlib.ExitStack() as stack:
        with pytest.MonkeyPatch.context() as patch:  # of the start alone: other servers need none
            patch.setenv("HALLUC_TOKEN", TOKEN)
            found = stack.enter_context(serving(predictor, host="0.0.0.0"))
        yield found


def predicting(predictor, predicted):
    """The predictor with another way to predict."""
    others = {name: getattr(predictor, name) for name in ("items", "model", "trained")}
    return SimpleNamespace(predict_items=predicted, **others)


def held(predictor):
    """The predictor, and an event without which it predicts nothing."""
    go = threading.Event()

    def predicted(items):
        assert go.wait(10)
        return predictor.predict_items(items)

    return SimpleNamespace(
        items=predictor.items, predict_items=predicted, model=predictor.model, trained=predictor.trained
    ), go


# --- answers -----------------------------------------------------------------------------------------------------


def test_an_answer_has_the_fields_of_hugging_face_and_ours(served, predictor):
    answer = served.post({"inputs": TEXT})
    (record,) = predictor.predict([TEXT])
    expected = [(one.label, one.text, one.start_char, one.end_char, one.confidence) for one in record.spans]
    assert answer.status == 200 and expected
    said = [(one["entity_group"], one["word"], one["start"], one["end"], one["score"]) for one in answer.json]
    assert said == expected
    assert {"confidence", "novelty", "confusable", "abstained"} <= set(answer.json[0])
    assert answer.json[0]["novelty"] == "seen"


def test_a_list_is_answered_with_a_list_for_each_input(served):
    one = served.post({"inputs": TEXT}).json
    assert served.post({"inputs": [TEXT, "", {"text": TEXT}]}).json == [one, [], one]
    assert served.post({"inputs": TEXT}, path="/").json == one


def test_labels_are_ignored_that_a_request_names(served):
    asked = {"inputs": TEXT, "parameters": {"ignore_labels": ["PER"], "aggregation_strategy": "simple"}}
    assert {one["entity_group"] for one in served.post(asked).json} == {"LOC"}


def test_the_client_of_hugging_face_understands_the_answer(served, monkeypatch):
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", False)
    client = huggingface_hub.InferenceClient(model=f"{served.url}/predict", token=TOKEN)
    found = client.token_classification(TEXT, ignore_labels=["PER"])
    assert [(one.entity_group, one.word, one.start) for one in found] == [("LOC", "Oslo", 19)]


def test_one_text_is_answered_with_nested_lists_where_hugging_face_has_them(predictor, served, monkeypatch):
    part = predictor.model.task.examples
    found = served.post({"inputs": TEXT}).json
    monkeypatch.setattr(type(part), "inference", dataclasses.replace(part.inference, nested=True))
    with serving(predictor) as nested:
        assert nested.post({"inputs": TEXT}).json == [found]
        assert nested.post({"inputs": [TEXT, ""]}).json == [found, []]


def test_requests_that_wait_are_predicted_together_and_answered_apart(predictor):
    slow, go = held(predictor)
    texts = [TEXT, "Paris and Oslo met Berg.", "the bank", "German Anna left"]
    with serving(slow, Limits(wait=0.0)) as served:
        found: dict[str, object] = {}
        threads = [asking(served, text, found) for text in texts]
        threads[0].start()
        wait_for(lambda: served.metrics()["halluc_batch_texts_count"] == 1)
        for thread in threads[1:]:
            thread.start()
        wait_for(lambda: served.metrics()["halluc_queued_requests"] == 3)
        go.set()
        for thread in threads:
            thread.join()
        assert served.metrics()["halluc_batch_texts_count"] == 2
    for text in texts:
        (record,) = predictor.predict([text])
        assert [one["word"] for one in found[text].json] == [one.text for one in record.spans]


def test_one_request_that_breaks_the_model_does_not_break_the_others_of_its_batch(predictor, capsys):
    def predicted(items):
        if any("secret" in item.text for item in items):
            raise RuntimeError("secret text")
        return predictor.predict_items(items)

    broken = SimpleNamespace(
        items=predictor.items, predict_items=predicted, model=predictor.model, trained=predictor.trained
    )
    with serving(broken, Limits(wait=0.3)) as served:
        found: dict[str, object] = {}
        threads = [
            threading.Thread(target=lambda t=t: found.update({t: served.post({"inputs": t})})) for t in (TEXT, "secret")
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert found[TEXT].status == 200 and found[TEXT].json
    assert (found["secret"].status, found["secret"].code) == (500, "S150")
    assert b"secret" not in found["secret"].body


def asking(served: Served, text: str, found: dict) -> threading.Thread:
    """A thread that asks, and keeps the reply by its text."""
    return threading.Thread(target=lambda: found.update({text: served.post({"inputs": text})}))


def wait_for(what) -> None:
    until = time.monotonic() + 60
    while not what():
        assert time.monotonic() < until
        time.sleep(0.01)


# --- errors --------------------------------------------------------------------------------------------------------

BAD = {
    "no JSON": (b'{"inputs":', 400, "S100"),
    "nothing": (b"", 400, "S100"),
    "no UTF-8": (b'{"inputs": "\xff"}', 400, "S100"),
    "deep": (b'{"inputs": ' + b"[" * 15_000, 400, "S100"),
    "a deep object": (b'{"inputs": ' + b'{"a":' * 3_000 + b"1" + b"}" * 3_001, 400, "S100"),
    "a huge number": (b'{"inputs": {"text": "a", "n": ' + b"9" * 15_000 + b"}}", 400, "S100"),
    "an infinite number": (b'{"inputs": 1e999}', 422, "S122"),
    "NaN": (b'{"inputs": NaN}', 422, "S122"),
    "half a surrogate": (b'{"inputs": "a \\ud800"}', 400, "S100"),
    "a list": (b"[]", 422, "S122"),
    "no inputs": (b"{}", 422, "S122"),
    "no texts": (b'{"inputs": []}', 422, "S122"),
    "null": (b'{"inputs": null}', 422, "S122"),
    "a number": (b'{"inputs": 3}', 422, "S122"),
    "numbers": (b'{"inputs": ["a", 3]}', 422, "S122"),
    "a list of lists": (b'{"inputs": [["a"]]}', 422, "S122"),
    "many texts": (json.dumps({"inputs": ["a"] * 600}).encode(), 422, "S122"),
    "another key": (b'{"inputs": "a", "input": "b"}', 422, "S122"),
    "an unknown parameter": (b'{"inputs": "a", "parameters": {"stride": 3}}', 422, "S122"),
    "a wrong parameter": (b'{"inputs": "a", "parameters": {"ignore_labels": "PER"}}', 422, "S122"),
    "parameters of the wrong type": (b'{"inputs": "a", "parameters": []}', 422, "S122"),
    "an object without a text": (b'{"inputs": {"a": 3}}', 422, "D107"),
    "tokens that are none": (b'{"inputs": {"tokens": [3]}}', 422, "D107"),
    "one bad text": (b'{"inputs": ["a", {"text": 3}]}', 422, "D107"),
    "a long text": (json.dumps({"inputs": "a " * 2_000}).encode(), 422, "S123"),
    "a large body": (b'{"inputs": "' + b"a" * 10_000_000 + b'"}', 413, "S113"),
}


@pytest.mark.parametrize("what", BAD)
def test_bad_input_is_reported(served, what):
    body, status, code = BAD[what]
    answer = served.post(body)
    assert (answer.status, answer.code) == (status, code), answer.json


@pytest.mark.parametrize(
    "text", ["\0", "a\0Anna", "\u202e", "\ufeff", " \n\t", "🧑‍🚀" * 50, "a" * 2_999, "\u0300" * 99]
)
def test_odd_texts_are_answered(served, text):
    assert served.post({"inputs": text}).status == 200
    assert served.post({"inputs": text}, path="/try").status == 200


@settings(max_examples=60)
@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(st.sampled_from(["text", "tokens", "spans", "tags", "id", "second"]), inner, max_size=3)
        ),
        max_leaves=6,
    )
)
def test_no_json_is_a_bug(served, value):
    body = re.sub(rb"\\ud[89a-f]..", b"?", json.dumps({"inputs": value}).encode())
    assert served.post(body).status in (200, 400, 422)


def test_other_paths_and_methods_are_errors_with_a_body(served):
    for method, path, status, code in (("GET", "/no", 404, "S104"), ("GET", "/predict", 405, "S105")):
        answer = served.ask(method, path)
        assert (answer.status, answer.code) == (status, code)


def test_a_full_queue_says_when_to_try_again(predictor):
    slow, go = held(predictor)
    with serving(slow, Limits(queue=1, wait=0.0)) as served:
        threads = [threading.Thread(target=served.post, args=({"inputs": TEXT},)) for _ in range(2)]
        threads[0].start()
        wait_for(lambda: served.metrics()["halluc_batch_texts_count"] == 1)
        threads[1].start()
        wait_for(lambda: served.metrics()["halluc_queued_requests"] == 1)
        answer = served.post({"inputs": TEXT})
        assert (answer.status, answer.code, answer.headers["retry-after"]) == (429, "S129", "1")
        ready = served.ask("GET", "/ready")
        assert (ready.status, ready.code) == (503, "S153")
        assert served.ask("GET", "/health").json == {"status": "ok"}
        go.set()
        for thread in threads:
            thread.join()
        assert served.ask("GET", "/ready").json == {"status": "ok"}


@pytest.mark.parametrize(
    "sent", [b"", b"POST /predict HTTP/1.1\r\nHost: loc", b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n"]
)
def test_a_connection_that_sends_no_complete_request_is_closed(predictor, monkeypatch, sent):
    from halluc.workflows.serving import protocol

    monkeypatch.setattr(protocol, "HEAD_SECONDS", 0.2)
    with serving(predictor) as served, socket.create_connection(("127.0.0.1", served.port), timeout=4) as idle:
        idle.sendall(sent)
        received = b""
        while part := idle.recv(4096):  # an answer, if a request was complete: then another one begins
            received += part
            idle.sendall(b"G")
        assert (received != b"") == sent.endswith(b"\r\n\r\n")


def test_a_slow_answer_does_not_close_its_connection(predictor, monkeypatch):
    from halluc.workflows.serving import protocol

    monkeypatch.setattr(protocol, "HEAD_SECONDS", 0.1)
    slow, go = held(predictor)
    with serving(slow) as served:
        threading.Timer(0.4, go.set).start()
        assert served.post({"inputs": TEXT}).status == 200


# --- who may ask ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("headers", "status", "code"),
    [
        ({"Host": "evil.example"}, 403, "S103"),  # DNS rebinding
        ({"Host": ""}, 403, "S103"),
        ({"Host": "[::1"}, 403, "S103"),
        ({"Host": "127.0.0.1.evil.example"}, 403, "S103"),
        ({"Origin": "http://evil.example"}, 403, "S103"),
        ({"Origin": "null"}, 403, "S103"),
        ({"Origin": "http://127.0.0.1:1"}, 403, "S103"),
        ({"Content-Type": "text/plain"}, 415, "S115"),  # what a page may send without asking
        ({"Content-Type": "application/x-www-form-urlencoded"}, 415, "S115"),
        ({"Content-Encoding": "gzip"}, 415, "S115"),
    ],
)
def test_a_web_page_cannot_use_a_local_server(served, headers, status, code):
    answer = served.ask("POST", "/predict", {"inputs": TEXT}, JSON | headers)
    assert (answer.status, answer.code) == (status, code)
    assert "access-control-allow-origin" not in answer.headers


def test_the_own_page_may(served):
    for name in ("localhost", "127.0.0.1", "[::1]"):
        host = f"{name}:{served.port}"
        assert served.post({"inputs": TEXT}, Host=host, Origin=f"http://{host}").status == 200
    assert served.ask("OPTIONS", "/predict", headers={"Origin": "http://evil.example"}).status == 403


def test_a_token_is_asked_for(guarded):
    assert guarded.post({"inputs": TEXT}, Authorization=f"Bearer {TOKEN}", Host="any.example").status == 200
    for sent in ({}, {"Authorization": "Bearer x"}, {"Authorization": TOKEN}, {"Authorization": "Bearer \xe4"}):
        answer = guarded.ask("POST", "/predict", {"inputs": TEXT}, JSON | sent)
        assert (answer.status, answer.code, answer.headers["www-authenticate"]) == (401, "S101", "Bearer")
    for path in ("/metrics", "/openapi.json", "/no"):
        assert guarded.ask("GET", path).status == 401
    assert guarded.ask("POST", "/", {"inputs": TEXT}, JSON).status == 401
    for path in ("/", "/health", "/ready"):
        assert guarded.ask("GET", path).status == 200


@pytest.mark.parametrize("token", [None, "", "short", " " * 20, "ä" * 20])
def test_an_open_address_needs_a_good_token(halluc, monkeypatch, run, token):
    monkeypatch.delenv("HALLUC_TOKEN", raising=False)
    if token is not None:
        monkeypatch.setenv("HALLUC_TOKEN", token)
    refused = halluc("serve", run, "--host", "0.0.0.0", "--port", "0")
    assert refused.code == 2 and "error[C017]" in refused.err


# --- ids, logs, metrics, description -------------------------------------------------------------------------------


def test_a_request_id_is_given_back_or_made(served):
    assert served.post({"inputs": TEXT}, X_Request_ID="abc-1.2").headers["x-request-id"] == "abc-1.2"
    for bad in ("a b", "x" * 200, "<script>"):
        assert re.fullmatch("[0-9a-f]{32}", served.post({"inputs": TEXT}, X_Request_ID=bad).headers["x-request-id"])


def test_metrics_count_requests_claims_and_what_is_new(predictor):
    with serving(predictor) as served:
        for body in ({"inputs": [TEXT, "Paris won"]}, {"inputs": 3}):
            served.post(body)
        served.ask("GET", "/secret/path")
        found = served.metrics()
        claims = sum(len(record.spans) for record in predictor.predict([TEXT, "Paris won"]))
    assert found['halluc_requests_total{path="/predict",status="200"}'] == 1
    assert found['halluc_requests_total{path="/predict",status="422"}'] == 1
    assert found['halluc_requests_total{path="other",status="404"}'] == 1
    assert found['halluc_request_seconds_count{path="/predict"}'] == 2
    assert sum(value for name, value in found.items() if name.startswith("halluc_claims_total")) == claims > 0
    assert 0 <= found["halluc_new_claims_share"] <= 1
    assert found["halluc_abstained_claims_total"] == 0


def test_the_description_names_what_a_request_and_an_answer_have(served):
    found = served.ask("GET", "/openapi.json").json
    schemas = found["components"]["schemas"]
    named = re.findall(r'"#/components/schemas/(\w+)"', json.dumps(found))
    assert named and set(named) <= set(schemas)
    assert set(schemas["InferenceRequest"]["properties"]) == {"inputs", "parameters"}
    assert "entity_group" in schemas["MentionAnswer"]["properties"]
    assert {"200", "413", "422", "429"} <= set(found["paths"]["/predict"]["post"]["responses"])


# --- the command ---------------------------------------------------------------------------------------------------


def test_the_command_answers_what_is_in_flight_when_it_is_stopped_and_logs_no_text(run):
    command = [sys.executable, "-m", "halluc", "serve", run, "--port", "0", "--wait", "1000"]
    started = subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        first = started.stderr.readline()
        served = Served(int(first.rsplit(":", 1)[1]))
        wait_for(lambda: answers(served))
        found = []
        asking = threading.Thread(target=lambda: found.append(served.post({"inputs": "Anna secret Oslo"})))
        asking.start()
        wait_for(lambda: served.metrics()["halluc_unanswered_requests"])
        started.send_signal(signal.SIGTERM)
        asking.join()
        out, err = started.communicate(timeout=30)
    finally:
        started.kill()
    assert started.returncode == 0
    assert [answer.status for answer in found] == [200]
    assert "POST /predict 200" in err and "secret" not in err + out and err.endswith("stopped\n")


def answers(served: Served) -> bool:
    try:
        return served.ask("GET", "/health").status == 200
    except OSError:
        return False


def test_a_port_in_use_is_reported_before_the_model_is_loaded(halluc, served, run, monkeypatch):
    monkeypatch.setattr("halluc.workflows.prediction.load", None)
    refused = halluc("serve", run, "--port", served.port)
    assert refused.code == 4 and "error[E460]" in refused.err


def test_a_missing_extra_and_a_missing_run_are_reported(halluc, monkeypatch, tmp_path):
    refused = halluc("serve", tmp_path, "--port", "0")
    assert refused.code == 2 and "error[R101]" in refused.err
    monkeypatch.delitem(sys.modules, "halluc.workflows.serving.server", raising=False)
    monkeypatch.delattr("halluc.workflows.serving.server", raising=False)
    monkeypatch.setitem(sys.modules, "uvicorn", None)
    refused = halluc("serve", tmp_path)
    assert refused.code == 4 and "error[E420]" in refused.err and 'halluc[serve]"' in refused.err
