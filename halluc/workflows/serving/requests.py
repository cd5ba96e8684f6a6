"""Parsing of requests, and errors as responses: every error has a JSON body with code and message."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NoReturn

from fastapi import Request
from pydantic import BaseModel, Field, ValidationError, create_model
from starlette.requests import ClientDisconnect
from starlette.responses import JSONResponse

from halluc.core.characters import printable_line
from halluc.data.inputs import InputText, Item
from halluc.data.rows.row import BadLine
from halluc.runs.inference import ErrorBody, InferenceSchema
from halluc.runs.schema import Problem, Record
from halluc.workflows.input_reading import options_help
from halluc.workflows.serving.limits import BODY_SECONDS, MOST_INPUTS, Limits

Input = str | dict[str, Any]
# Of a body over the limit, this multiple of the limit is read and discarded, so that the client receives the error.
_READ_AWAY = 32
_MOST_IN_MESSAGE = 300


@dataclass
class Refused(Exception):
    """A request that is refused, with the reason."""

    status: int
    code: str
    message: str
    help: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)

    def response(self, request_id: str) -> JSONResponse:
        message = printable_line(self.message, _MOST_IN_MESSAGE)
        body = ErrorBody(error=Problem(code=self.code, message=message, help=self.help), request_id=request_id)
        return JSONResponse(body.model_dump(mode="json"), self.status, dict(self.headers))


def request_model(schema: InferenceSchema) -> type[BaseModel]:
    """The body of a request, as in Hugging Face's inference tasks."""
    parameters: Any = schema.Parameters | None
    return create_model(
        "InferenceRequest",
        __base__=Record,
        inputs=(Input | list[Input], Field(description="a text, an object with the fields of the data, or a list")),
        parameters=(parameters, Field(None)),
    )


async def read_body(request: Request, limits: Limits) -> bytes:
    """
    Raises:
        Refused 413: it is too large. 408: it does not arrive in time.
    """
    chunks: list[bytes] = []
    size = 0
    try:
        async with asyncio.timeout(BODY_SECONDS):
            async for chunk in request.stream():
                size += len(chunk)
                if size <= limits.body:
                    chunks.append(chunk)
                elif size > limits.body * _READ_AWAY:
                    break
    except TimeoutError:
        raise Refused(408, "S108", f"the body did not arrive in {BODY_SECONDS:g} s") from None
    except ClientDisconnect:
        raise Refused(400, "S100", "the client closed the connection") from None
    if size > limits.body:
        help = "send fewer texts in a request, or start the server with a larger --max-body"
        raise Refused(413, "S113", f"the body has more than {limits.body:,} bytes", help)
    return b"".join(chunks)


def parse_request(model: type[BaseModel], body: bytes) -> Any:
    """
    Raises:
        Refused 400: it is not JSON. 422: it is not a valid request.
    """
    try:
        return model.model_validate_json(body, strict=True)
    except ValidationError as error:
        _refuse(error)


def _refuse(error: ValidationError) -> NoReturn:
    first = error.errors(include_url=False, include_context=False, include_input=False)[0]
    if first["type"] == "json_invalid":
        raise Refused(400, "S100", f"the body is not valid JSON: {first['msg'].partition(': ')[2]}")
    if first["loc"][:1] == ("inputs",) and first["type"] != "missing":
        message = "`inputs` is not a text, an object, or a list of these"
    else:
        message = f"`{'.'.join(map(str, first['loc'])) or 'body'}`: {first['msg']}"
    raise Refused(422, "S122", message, "see /openapi.json")


def inputs_of(body: Input | list[Input], schema: InferenceSchema) -> list[str | tuple[str, str] | dict[str, Any]]:
    """The inputs of a request; an object with the two texts of the task's pair is one input.

    Raises:
        Refused 422: there are none, or too many.
    """
    inputs = body if isinstance(body, list) else [body]
    if not 0 < len(inputs) <= MOST_INPUTS:
        raise Refused(422, "S122", f"`inputs` has {len(inputs):,} items", f"give 1 to {MOST_INPUTS}")
    return [_pair(one, schema) if isinstance(one, dict) else one for one in inputs]


def _pair(fields: dict[str, Any], schema: InferenceSchema) -> tuple[str, str] | dict[str, Any]:
    if schema.pair is not None and set(fields) == set(schema.pair):
        first, second = (fields[name] for name in schema.pair)
        if isinstance(first, str) and isinstance(second, str):
            return first, second
    return fields


def read_inputs(items: list[Item], limits: Limits) -> list[InputText]:
    """
    Raises:
        Refused 422: one cannot be read, or is too long.
    """
    texts: list[InputText] = []
    for number, item in enumerate(items):
        place = f"inputs[{number}]: " if len(items) > 1 else ""
        if isinstance(item, BadLine):
            raise Refused(422, item.code, f"{place}{item.problem}", options_help(item.help))
        if item.size > limits.text:
            message = f"{place}a text of {item.size:,} characters, but at most {limits.text:,} are allowed"
            raise Refused(422, "S123", message, "shorten it, or start the server with a larger --max-text")
        texts.append(item)
    return texts
