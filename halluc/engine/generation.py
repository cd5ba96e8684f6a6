"""Decoding of causal and encoder-decoder models: sampling, greedy search and beam search, with a key-value cache.

``max_new_tokens`` always overrides the generation config of the model. Sampling takes one uniform number
per row and step from the row's own stream and inverts the cumulative distribution, so that a row does not depend on
other rows of the batch. In causal sampling, finished rows are removed from the batch.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, Protocol

import torch

from halluc.core.errors import environment_error
from halluc.core.rng import Draws
from halluc.engine.batching import sorted_batches
from halluc.engine.language_modelling import padded

# Finished rows are removed from the cache once they are this share of a batch: removing copies the rest.
_ENDED_SHARE = 0.2


@dataclass(frozen=True)
class Decoding:
    """How sequences are decoded.

    Sampling divides logits by ``temperature``, then keeps the ``top_k`` most probable tokens (0: all) and of those the
    fewest with a total probability of ``top_p`` (Holtzman et al. 2020). Beam search divides the log-probability of a
    sequence by its length to the power of ``length_penalty``; greedy and beam search never repeat an n-gram of
    ``no_repeat_ngrams`` tokens (0: repetition is allowed). ``copy_bias`` is added to the logits of the tokens of the
    prompt, and of those that end a sequence, so that their ratio does not change. ``batch_tokens`` is the maximum
    number of positions of a batch, including new ones.
    """

    max_new_tokens: int
    strategy: Literal["sampling", "greedy", "beam"] = "sampling"
    temperature: float = 1.0
    top_k: int = 0
    top_p: float = 1.0
    beams: int = 4
    length_penalty: float = 1.0
    no_repeat_ngrams: int = 0
    copy_bias: float = 0.0
    batch_tokens: int = 1 << 14


@dataclass(frozen=True)
class SpecialTokens:
    """The ids of the tokens that end a sequence, of padding, and of tokens that are never generated.

    ``first`` is the token that an encoder-decoder model must begin with, such as the code of the target language; the
    default is that of the model's generation config. ``more_ends`` also end a sequence, as chat models have several.
    """

    end: int
    pad: int
    forbidden: tuple[int, ...] = ()
    first: int | None = None
    more_ends: tuple[int, ...] = ()

    @property
    def ends(self) -> tuple[int, ...]:
        """All tokens that end a sequence, ``end`` first."""
        return (self.end, *(one for one in self.more_ends if one != self.end))


class Constraint(Protocol):
    """Which tokens may follow in each row of a batch of causal sampling; rows have the numbers of their prompts."""

    def restrict(self, logits: torch.Tensor, rows: torch.Tensor) -> torch.Tensor:
        """The logits (rows, tokens) of the rows with these numbers, minus infinity for tokens that may not follow."""
        ...

    def advance(self, rows: torch.Tensor, chosen: torch.Tensor) -> None:
        """Record the tokens that were chosen for these rows."""
        ...


@torch.inference_mode()
def generate(
    model: Any,
    prompts: Sequence[Sequence[int]],
    decoding: Decoding,
    special: SpecialTokens,
    draws: Sequence[Draws] | None = None,
    constraint: Constraint | None = None,
    done: Callable[[int], None] = lambda rows: None,
) -> list[list[int]]:
    """The output of the model for each prompt, up to and including one of ``special.ends``, or ``max_new_tokens``
    tokens.

    Args:
        model: a causal model, which continues the prompt, or an encoder-decoder model, which reads it.
        prompts: token ids, at least one each.
        draws: for sampling, a stream for each prompt.
        constraint: for sampling from a causal model, which tokens may follow.
        done: called with the number of finished rows after each batch.

    Raises:
        HallucError T102: out of memory.
    """
    if decoding.strategy == "sampling" and (draws is None or len(draws) != len(prompts)):
        raise ValueError("sampling needs a stream of draws for each prompt")
    was_training = model.training
    model.eval()
    outputs: list[list[int]] = [[] for _ in prompts]
    finished = 0
    try:
        for rows in sorted_batches([len(one) + decoding.max_new_tokens for one in prompts], decoding.batch_tokens):
            streams = [draws[row] for row in rows] if draws is not None else []
            batch = _Prompts([prompts[row] for row in rows], rows, streams, constraint)
            for row, new in zip(rows, _generated(model, batch, decoding, special), strict=True):
                outputs[row] = new
            finished += len(rows)
            done(finished)
    finally:
        model.train(was_training)
    return outputs


class _Prompts(NamedTuple):
    """The prompts of a batch, their numbers among all prompts, and for sampling their draws and constraint."""

    prompts: list[Sequence[int]]
    numbers: list[int]
    draws: list[Draws]
    constraint: Constraint | None


def _generated(model: Any, batch: _Prompts, decoding: Decoding, special: SpecialTokens) -> list[list[int]]:
    try:
        if decoding.strategy == "sampling" and not model.config.is_encoder_decoder:
            return _sampled(model, batch, decoding, special)
        return _searched(model, batch.prompts, decoding, special, batch.draws)
    except torch.OutOfMemoryError as error:
        message = f"out of memory while generating {len(batch.prompts)} sequences at once"
        raise environment_error("T102", message, "use a smaller batch, or a smaller model") from error


def _sampled(model: Any, batch: _Prompts, decoding: Decoding, special: SpecialTokens) -> list[list[int]]:
    """Sampling from a causal model; prompts are padded on the left."""
    from transformers import DynamicCache

    prompts, draws, constraint = batch.prompts, batch.draws, batch.constraint
    numbers = torch.tensor(batch.numbers, device=model.device)
    ids, mask = (tensor.to(model.device) for tensor in padded(prompts, special.pad, left=True).values())
    cache = DynamicCache(config=model.config)
    accepted = inspect.signature(_base_of(model).forward).parameters
    alive = list(range(len(prompts)))
    generated: list[list[int]] = [[] for _ in prompts]
    ended = [False] * len(prompts)
    forbidden = torch.tensor(special.forbidden, device=model.device, dtype=torch.long)
    positions = (mask.cumsum(1) - 1).clamp(min=0)
    bias: torch.Tensor | None = None
    for _ in range(decoding.max_new_tokens):
        inputs = {"attention_mask": mask, "position_ids": positions, "past_key_values": cache, "logits_to_keep": 1}
        outputs = model(input_ids=ids, use_cache=True, **{name: inputs[name] for name in inputs if name in accepted})
        logits = outputs.logits[:, -1].float().index_fill(1, forbidden, -torch.inf)
        if decoding.copy_bias:
            bias = copy_bias(prompts, decoding, special, logits) if bias is None else bias
            logits = logits + bias
        if constraint is not None:
            logits = constraint.restrict(logits, numbers)
        uniforms = [0.0 if ended[row] else draws[row].uniform() for row in alive]
        chosen = choose(logits, torch.tensor(uniforms, dtype=torch.float64), decoding)
        if constraint is not None:
            constraint.advance(numbers, chosen)
        for row, token in zip(alive, chosen.tolist(), strict=True):
            if not ended[row]:
                generated[row].append(token)
                ended[row] = token in special.ends
        if all(ended):
            break
        mask = torch.cat([mask, mask.new_ones(len(alive), 1)], 1)
        ids, positions = chosen[:, None], positions[:, -1:] + 1
        unfinished = [place for place, row in enumerate(alive) if not ended[row]]
        if len(unfinished) <= (1 - _ENDED_SHARE) * len(alive):
            rows = torch.tensor(unfinished, device=model.device)
            cache.batch_select_indices(rows)
            ids, positions, mask, numbers = ids[rows], positions[rows], mask[rows], numbers[rows]
            bias = None if bias is None else bias[rows]
            alive = [alive[place] for place in unfinished]
    return generated


def copy_bias(
    prompts: Sequence[Sequence[int]], decoding: Decoding, special: SpecialTokens, logits: torch.Tensor
) -> torch.Tensor:
    """The bias of the logits for the continuation of the prompts, (prompts, tokens) like ``logits``."""
    bias = torch.zeros_like(logits)
    for row, prompt in enumerate(prompts):
        bias[row, [*prompt, *special.ends]] = decoding.copy_bias
    bias[:, [one for one in (special.pad, *special.forbidden) if one not in special.ends]] = 0.0
    return bias


def choose(logits: torch.Tensor, uniforms: torch.Tensor, decoding: Decoding) -> torch.Tensor:
    """The token of each row for its uniform number, by inversion of the cumulative distribution.

    Args:
        logits: (rows, tokens); minus infinity is never chosen.
        uniforms: (rows,), in [0, 1).

    Returns:
        (rows,), integers.
    """
    logits = logits / decoding.temperature
    numbers: torch.Tensor | None = None
    if 0 < decoding.top_k < logits.shape[1]:
        logits, numbers = logits.topk(decoding.top_k, dim=1)
    elif decoding.top_p < 1:
        logits, numbers = logits.sort(dim=1, descending=True, stable=True)
    weights = torch.softmax(logits, 1)
    if decoding.top_p < 1:
        # A token is kept while the ones before it have not reached the mass: so the first is always kept.
        before = weights.cumsum(1) - weights
        weights = weights.masked_fill(before >= decoding.top_p, 0.0)
    sums = weights.cumsum(1, dtype=torch.float64)
    wanted = uniforms.to(sums.device)[:, None] * sums[:, -1:]
    wanted = torch.minimum(wanted, torch.nextafter(sums[:, -1:], sums.new_zeros(1)))
    chosen = torch.searchsorted(sums, wanted, right=True)
    return (chosen if numbers is None else numbers.gather(1, chosen))[:, 0]


def _searched(
    model: Any, prompts: Sequence[Sequence[int]], decoding: Decoding, special: SpecialTokens, draws: Sequence[Draws]
) -> list[list[int]]:  # fmt: skip
    """Greedy and beam search, and sampling from encoder-decoder models, through ``transformers.generate``."""
    from transformers import GenerationConfig, LogitsProcessorList, NoRepeatNGramLogitsProcessor

    has_encoder = bool(model.config.is_encoder_decoder)
    ids, mask = (tensor.to(model.device) for tensor in padded(prompts, special.pad, left=not has_encoder).values())
    searches, known = decoding.strategy != "sampling", model.generation_config
    settings = GenerationConfig(
        max_new_tokens=decoding.max_new_tokens,
        num_beams=decoding.beams if decoding.strategy == "beam" else 1,
        length_penalty=decoding.length_penalty if decoding.strategy == "beam" else None,
        suppress_tokens=list(special.forbidden) or None,
        do_sample=False,
        eos_token_id=list(special.ends),
        pad_token_id=special.pad,
        bos_token_id=known.bos_token_id,
        decoder_start_token_id=known.decoder_start_token_id,
        forced_bos_token_id=known.forced_bos_token_id if special.first is None else special.first,
    )
    processors = LogitsProcessorList()
    begin = 0 if has_encoder else ids.shape[1]
    if searches and decoding.no_repeat_ngrams:
        processors.append(_OfOutput(NoRepeatNGramLogitsProcessor(decoding.no_repeat_ngrams), begin))
    if decoding.copy_bias:
        beams = [prompt for prompt in prompts for _ in range(settings.num_beams)]
        processors.append(_CopyBias(beams, decoding, special))
    if not searches:
        processors.append(_Sampler(decoding, draws, special))
    with _replaced_settings(model, settings):
        sequences = model.generate(
            input_ids=ids, attention_mask=mask, generation_config=settings, logits_processor=processors
        )  # fmt: skip
    return [_until_end(row[begin + has_encoder :], special.ends) for row in sequences.tolist()]


@contextmanager
def _replaced_settings(model: Any, settings: Any) -> Iterator[None]:
    """A context in which ``settings`` replace the generation config of the model: transformers would otherwise add its
    values, such as a ban on repeated n-grams."""
    owners = {id(one): one for one in (model, _base_of(model))}.values()
    before = [one.generation_config for one in owners]
    try:
        for one in owners:
            one.generation_config = settings
        yield
    finally:
        for one, own in zip(owners, before, strict=True):
            one.generation_config = own


def _base_of(model: Any) -> Any:
    """The model inside of adapters: PEFT's own ``forward`` has no named arguments."""
    return model.get_base_model() if hasattr(model, "get_base_model") else model


class _OfOutput:
    """A logits processor that reads only the output, from position ``begin``. A causal model's sequence begins with the
    prompt: with transformers' own setting, an output could not repeat a name or phrase of it."""

    def __init__(self, processor: Any, begin: int) -> None:
        self._processor, self._begin = processor, begin

    def __call__(self, ids: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
        result: torch.Tensor = self._processor(ids[:, self._begin :], scores)
        return result


class _CopyBias:
    """A logits processor that favours tokens of the prompt. Beam search sums log-probabilities, so the result is
    normalised again: otherwise a hypothesis would gain from every token that it copies."""

    def __init__(self, prompts: Sequence[Sequence[int]], decoding: Decoding, special: SpecialTokens) -> None:
        self._arguments = prompts, decoding, special
        self._bias: torch.Tensor | None = None

    def __call__(self, ids: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
        if self._bias is None:
            self._bias = copy_bias(*self._arguments, torch.zeros_like(scores, dtype=torch.float32))
        return (scores.float() + self._bias).log_softmax(-1)


class _Sampler:
    """A logits processor that samples: all tokens but the drawn one get minus infinity."""

    def __init__(self, decoding: Decoding, draws: Sequence[Draws], special: SpecialTokens) -> None:
        self._decoding, self._draws, self._ends = decoding, draws, special.ends
        self._ended = [False] * len(draws)

    def __call__(self, ids: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
        uniforms = [0.0 if ended else draws.uniform() for ended, draws in zip(self._ended, self._draws, strict=True)]
        chosen = choose(scores.float(), torch.tensor(uniforms, dtype=torch.float64), self._decoding)
        self._ended = [e or token in self._ends for e, token in zip(self._ended, chosen.tolist(), strict=True)]
        return torch.full_like(scores, -torch.inf).scatter(1, chosen[:, None], 0.0)


def _until_end(tokens: list[int], ends: Sequence[int]) -> list[int]:
    return tokens[: next((place for place, token in enumerate(tokens, 1) if token in ends), None)]
