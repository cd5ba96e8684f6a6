"""Names in a text, predicted by a token classifier instead of found by rules."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

from halluc.config.models import ModelConfig
from halluc.core.examples import Origin
from halluc.data.inputs import InputText
from halluc.data.tokenization import Tokenizer
from halluc.task import AnyTask, task_class
from halluc.tasks.text_generation.statements import Statement, word_statement

if TYPE_CHECKING:
    from halluc.engine.runtime import Runtime

# Padded word pieces per pass.
_BUDGET = 8192
# Labels of models that are not names; rules find such statements.
_NO_NAMES = frozenset("DATE TIME CARDINAL ORDINAL MONEY PERCENT QUANTITY NUMBER NUM".split())  # noqa: SIM905


@lru_cache(maxsize=2)
def _load_model(reference: str) -> tuple[AnyTask, Any, Runtime]:
    from accelerate import Accelerator

    from halluc.engine import runtime

    task = task_class("token_classification").evaluated(())
    # In a process that trains or evaluates, this has the same device as the existing accelerator.
    engine = runtime.Runtime(Accelerator(), "fp32")
    attention = runtime.attention_for(engine.device.type)
    loaded = task.model.restore(ModelConfig(name=reference), {}, attention)
    loaded.model.to(engine.device).eval()
    return task, loaded, engine


# Cached: the claims of an output are needed when it is written, and again when it is judged.
@lru_cache(maxsize=1 << 12)
def names_by_model(reference: str, text: str) -> tuple[Statement, ...]:
    """The names that a model finds in a text, by position.

    Args:
        reference: as in ``model.name``: the folder `model/` of a token-classification run, or another token classifier.

    Raises:
        HallucError E410, E411: the model cannot be loaded.
    """
    bounds, tokens = Tokenizer().cut(text)
    if not tokens:
        return ()
    task, loaded, engine = _load_model(reference)
    example = task.examples.of_input("", Origin("", 0), InputText(0, "", tokens, text, bounds))
    encoded = task.model.encode([example], loaded)
    decoding = task.model.decoding(loaded.outputs, "constrained")
    (prediction,) = task.model.predict(loaded.model, encoded, _BUDGET, engine, decoding)
    claims = task.judge.claims(example, prediction)
    places = sorted(one.where for one in claims if one.where is not None and one.label.upper() not in _NO_NAMES)
    results = [word_statement("name", text, bounds[start][0], bounds[end - 1][1]) for start, end, _ in places]
    return tuple(one for one in results if one.key)
