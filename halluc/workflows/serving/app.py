"""The application: requests to a model, its state, its metrics, and a page for trying a text."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from functools import partial
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request, Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from pydantic.json_schema import models_json_schema
from starlette.exceptions import HTTPException
from starlette.responses import HTMLResponse, JSONResponse

from halluc import __version__
from halluc.data.inputs import InputText
from halluc.reporting.page import try_page
from halluc.runs.inference import ErrorBody, InferenceSchema, State
from halluc.workflows.prediction import PredictedInput, Predictor
from halluc.workflows.serving import requests
from halluc.workflows.serving.batching import Batcher
from halluc.workflows.serving.limits import RETRY_AFTER, Limits
from halluc.workflows.serving.metrics import Metrics
from halluc.workflows.serving.requests import Refused

_ERRORS: dict[int | str, dict[str, Any]] = {
    status: {"model": ErrorBody, "description": HTTPStatus(status).phrase}
    for status in (400, 401, 403, 408, 413, 415, 422, 429, 500, 503)
}


class Service:
    """A model behind a queue."""

    def __init__(self, predictor: Predictor, limits: Limits) -> None:
        self.predictor, self.limits = predictor, limits
        self.task = predictor.model.task
        self.schema: InferenceSchema = self.task.examples.inference
        self.metrics = Metrics(self.task.knowledge.novelties[-1])
        self.batcher = Batcher(self._predict, limits)
        self.metrics.queued.set_function(self.batcher.queue.qsize)
        self.metrics.unanswered.set_function(lambda: self.batcher.unanswered)
        self.request = requests.request_model(self.schema)
        self.running: asyncio.Task[None] | None = None

    def _predict(self, items: Sequence[InputText]) -> list[PredictedInput]:
        self.metrics.batches.observe(len(items))
        result = self.predictor.predict_items(items)
        self.metrics.count_claims(result)
        return result

    async def answer(self, request: Request) -> tuple[Any, list[PredictedInput]]:
        """A parsed request, and the predictions for each of its inputs.

        Raises:
            Refused: with the status and the reason.
        """
        call = requests.parse_request(self.request, await requests.read_body(request, self.limits))
        inputs = requests.inputs_of(call.inputs, self.schema)
        items = requests.read_inputs(await asyncio.to_thread(self.predictor.items, inputs), self.limits)
        try:
            return call, await self.batcher.predict(items)
        except asyncio.QueueFull:
            headers = {"Retry-After": str(RETRY_AFTER)}
            raise Refused(429, "S129", "too many requests in the queue", "try again later", headers) from None


def application(service: Service) -> FastAPI:
    """The application around a service; errors are raised as ``Refused`` for ``Guard``."""

    @contextlib.asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        service.running = asyncio.create_task(service.batcher.run())
        yield
        service.running.cancel()

    app = FastAPI(
        title="halluc serve", version=__version__, docs_url=None, redoc_url=None, lifespan=lifespan,
        exception_handlers=dict.fromkeys((Refused, HTTPException, Exception), _refuse),
    )  # fmt: skip
    app.openapi = partial(_openapi, app.openapi, service)  # type: ignore[method-assign]
    _add_inference(app, service)
    _add_state(app, service)
    return app


async def _refuse(request: Request, error: Exception) -> Response:
    """Converts an error to a response: ours, one of the framework (unknown path or method), or a bug."""
    if isinstance(error, Refused):
        refused = error
    elif isinstance(error, HTTPException):
        help = "see /openapi.json for paths and methods"
        refused = Refused(error.status_code, f"S1{error.status_code % 100:02}", error.detail, help, error.headers or {})
    else:
        help = "see the request id in the log of the server"
        refused = Refused(500, "S150", "internal error", help)
    return refused.response(request.state.request_id)


def _add_inference(app: FastAPI, service: Service) -> None:
    answer_type: Any = service.schema.Answer
    answer_lists: Any = list[list[answer_type]]
    shape = answer_lists if service.schema.nested else list[answer_type] | answer_lists

    @app.post("/", include_in_schema=False)
    @app.post(
        "/predict", response_model=shape, responses=_ERRORS,
        summary="Predictions for a text, or for each text of a list",
    )  # fmt: skip
    async def predict(request: Request) -> Response:
        call, result = await service.answer(request)
        parameters = call.parameters or service.schema.Parameters()
        answers = [
            [answer.model_dump(mode="json") for answer in service.schema.answers(one.record, parameters)]
            for one in result
        ]
        return JSONResponse(answers if isinstance(call.inputs, list) or service.schema.nested else answers[0])

    @app.post("/try", include_in_schema=False)
    async def try_(request: Request) -> Response:
        _, result = await service.answer(request)
        drawn = [try_page.fragment(service.task, one.example, one.prediction, one.asserted) for one in result]
        return JSONResponse({"html": "".join(drawn)})


def _add_state(app: FastAPI, service: Service) -> None:
    @app.get("/", include_in_schema=False)
    async def page() -> HTMLResponse:
        return HTMLResponse(try_page.page(service.schema.pair))

    @app.get("/health", summary="Whether the server runs")
    async def health() -> State:
        return State(status="ok")

    @app.get("/ready", summary="Whether requests are accepted", responses={503: _ERRORS[503]})
    async def ready() -> State:
        if service.running is None or service.running.done() or service.batcher.queue.full():
            raise Refused(503, "S153", "requests are not accepted now", headers={"Retry-After": str(RETRY_AFTER)})
        return State(status="ok")

    @app.get("/metrics", include_in_schema=False)
    async def metrics() -> Response:
        return Response(generate_latest(service.metrics.registry), media_type=CONTENT_TYPE_LATEST)


def _openapi(base: Any, service: Service) -> dict[str, Any]:
    """The OpenAPI description of the application, with the body that ``/predict`` parses itself."""
    schema: dict[str, Any] = base()
    names, definitions = models_json_schema(
        [(service.request, "validation")], ref_template="#/components/schemas/{model}"
    )
    schema.setdefault("components", {}).setdefault("schemas", {}).update(definitions["$defs"])
    content = {"application/json": {"schema": names[service.request, "validation"]}}
    schema["paths"]["/predict"]["post"]["requestBody"] = {"required": True, "content": content}
    return schema
