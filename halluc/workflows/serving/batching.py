"""Dynamic batching: requests that arrive while the model is busy are predicted together."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from halluc.data.inputs import InputText
from halluc.workflows.prediction import PredictedInput
from halluc.workflows.serving.limits import Limits

Predict = Callable[[Sequence[InputText]], list[PredictedInput]]


@dataclass(frozen=True)
class Waiting:
    """The inputs of one request, and the future of their predictions."""

    items: Sequence[InputText]
    answer: asyncio.Future[list[PredictedInput]]

    @property
    def size(self) -> int:
        return sum(len(item.tokens) for item in self.items)


class Batcher:
    """A queue of requests and the single task that predicts them; requests are not split between batches."""

    def __init__(self, predict: Predict, limits: Limits) -> None:
        self._predict, self._limits = predict, limits
        self.queue: asyncio.Queue[Waiting] = asyncio.Queue(limits.queue)
        self.unanswered = 0

    async def predict(self, items: Sequence[InputText]) -> list[PredictedInput]:
        """
        Raises:
            asyncio.QueueFull: too many requests are waiting.
        """
        waiting = Waiting(items, asyncio.get_running_loop().create_future())
        self.queue.put_nowait(waiting)
        self.unanswered += 1
        try:
            return await waiting.answer
        finally:
            self.unanswered -= 1

    async def run(self) -> None:
        while True:
            await self._answer([one for one in await self._batch() if not one.answer.done()])

    async def _batch(self) -> list[Waiting]:
        batch = [await self.queue.get()]
        size, until = batch[0].size, asyncio.get_running_loop().time() + self._limits.wait
        try:
            async with asyncio.timeout_at(until):
                while size < self._limits.batch_tokens:
                    batch.append(await self.queue.get())
                    size += batch[-1].size
        except TimeoutError:
            pass
        return batch

    async def _answer(self, batch: Sequence[Waiting]) -> None:
        # Each line is one text, and each request is a document of its own.
        items = [replace(item, document=number) for number, one in enumerate(batch) for item in one.items]
        items = [replace(item, line=line) for line, item in enumerate(items, 1)]
        try:
            result = await asyncio.to_thread(self._predict, items)
        except Exception as error:  # noqa: BLE001 - one request must not fail the others of its batch
            if len(batch) == 1 and not batch[0].answer.done():
                batch[0].answer.set_exception(error)
            for one in batch if len(batch) > 1 else ():
                await self._answer([one])
            return
        done = 0
        for one in batch:
            if not one.answer.done():
                one.answer.set_result(result[done : done + len(one.items)])
            done += len(one.items)
