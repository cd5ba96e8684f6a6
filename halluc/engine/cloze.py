"""Cloze prompts for language models: the probability of each candidate as the object of a fact.

A masked language model fills one mask, so that candidates are single word pieces (Petroni et al. 2019, "Language Models
as Knowledge Bases?"). A causal one completes a text, so that the object is at the end of a pattern; for a candidate of
several pieces the mean of their log-probabilities counts.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy
import torch

from halluc.core.errors import environment_error
from halluc.engine.batching import sorted_batches
from halluc.engine.language_modelling import SelectedPositions, padded
from halluc.engine.pretrained import check_model_files, load_model, load_settings, load_tokenizer, refuse_missing
from halluc.engine.references import ModelSource
from halluc.engine.runtime import attention_for, default_device

Kind = Literal["masked", "causal"]
Pieces = tuple[int, ...]
# The indexes of some prompts, and the mean log-probability of each candidate: (some, candidates), float64.
Scores = tuple[list[int], numpy.ndarray]
_AUTO: dict[Kind, str] = {"masked": "AutoModelForMaskedLM", "causal": "AutoModelForCausalLM"}
# Positions per pass, and logits in memory at once (256 MB).
_AT_ONCE, _LOGITS_AT_ONCE = 4_096, 1 << 26
# Characters that may follow the object of a pattern that ends with it.
_END = " .!?。！？"
# Candidates with more pieces are left out.
_MOST_PIECES = 16
# Pieces of candidates per pass: the size of its attention mask is quadratic in their number.
_TREE_AT_ONCE = 512
# The context before a candidate if the pattern has no word there, so that it is tokenized as inside a text.
_ANCHOR = "a"


class ClozeModel(ABC):
    """A language model that predicts the object of a fact; ``kind`` is ``masked`` or ``causal``."""

    kind: Kind

    def __init__(self, model: Any, tokenizer: Any) -> None:
        self.device = default_device()
        self.model = SelectedPositions(model.to(self.device).eval())
        self.tokenizer = tokenizer
        # RoBERTa numbers its positions from 2.
        positions = (getattr(model.config, "max_position_embeddings", None) or 1 << 30) - 2
        self.room = int(min(positions, tokenizer.model_max_length))

    @abstractmethod
    def fits(self, after: str) -> bool:
        """Whether a pattern is usable if it continues with ``after`` after its object."""

    @abstractmethod
    def prompt(self, before: str, after: str) -> list[int] | None:
        """The pieces of a prompt; None if the model cannot read it: it is too long, or has a second mask."""

    @abstractmethod
    def scores(self, prompts: Sequence[list[int]], candidates: Sequence[Pieces]) -> Iterator[Scores]:
        """Yields the scores of batches of prompts, those of similar length together."""

    def pieces(self, context: str | None, words: Sequence[str]) -> list[Pieces | None]:
        """The pieces of each word after ``context``, or at the beginning of a text if that is None; None if they cannot
        be determined, or one of them is unknown."""
        if context is None:  # at the beginning of a text, the piece of a byte-level tokenizer has no blank
            return [self._after_anchor([], ids) for ids in self._ids(words)]
        before = context.strip() or _ANCHOR
        glue = " " if not context.strip() or context.endswith(" ") else ""
        [anchor, *whole] = self._ids([before, *(f"{before}{glue}{word}" for word in words)])
        return [self._after_anchor(anchor, ids) for ids in whole]

    def _after_anchor(self, anchor: list[int], ids: list[int]) -> Pieces | None:
        pieces = tuple(ids[len(anchor) :])
        has_anchor = ids[: len(anchor)] == anchor and 0 < len(pieces) <= _MOST_PIECES
        return pieces if has_anchor and self.tokenizer.unk_token_id not in pieces else None

    def _ids(self, texts: Sequence[str], special: bool = False) -> list[list[int]]:
        # Tokenizers do not accept lone surrogates.
        clean = [text.encode("utf-8", "replace").decode() for text in texts]
        ids: list[list[int]] = self.tokenizer(clean, add_special_tokens=special)["input_ids"]
        return ids

    @torch.inference_mode()
    def _log_probabilities(
        self, inputs: dict[str, torch.Tensor], rows: Sequence[int], nodes: Any, pieces: Any
    ) -> numpy.ndarray:  # fmt: skip
        """Log-probabilities of ``pieces`` (k,) after ``nodes`` (k,) of each prompt: float64 (prompts, k).

        Args:
            rows: the positions of the nodes in the flattened batch, those of a prompt together.
        """
        tensors = {**inputs, "selected": torch.tensor(rows)}
        logits = self.model(**{name: tensor.to(self.device) for name, tensor in tensors.items()}).float()
        logits = logits.view(len(inputs["input_ids"]), -1, logits.shape[-1])
        chosen = logits[:, nodes, pieces] - logits.logsumexp(-1)[:, nodes]
        result: numpy.ndarray = chosen.double().cpu().numpy()
        return result

    def _batches(self, prompts: Sequence[list[int]], more: int) -> Iterator[list[int]]:
        """Prompts of similar length; each takes ``more`` further positions, and as many rows of logits plus one."""
        vocabulary = self.model.model.get_input_embeddings().num_embeddings
        most = max(1, _LOGITS_AT_ONCE // (vocabulary * (1 + more)))
        for batch in sorted_batches([len(one) + more for one in prompts], _AT_ONCE):
            yield from (batch[start : start + most] for start in range(0, len(batch), most))


class MaskedCloze(ClozeModel):
    """A masked language model; a candidate is one piece."""

    kind: Kind = "masked"

    def fits(self, after: str) -> bool:
        return True

    def prompt(self, before: str, after: str) -> list[int] | None:
        [ids] = self._ids([f"{before}{self.tokenizer.mask_token}{after}"], special=True)
        return ids if len(ids) <= self.room and ids.count(self.tokenizer.mask_token_id) == 1 else None

    def pieces(self, context: str | None, words: Sequence[str]) -> list[Pieces | None]:
        return [one if one is not None and len(one) == 1 else None for one in super().pieces(context, words)]

    def scores(self, prompts: Sequence[list[int]], candidates: Sequence[Pieces]) -> Iterator[Scores]:
        pad = self.tokenizer.pad_token_id if self.tokenizer.pad_token_id is not None else self.tokenizer.mask_token_id
        for batch in self._batches(prompts, 0):
            inputs = padded([prompts[index] for index in batch], pad)
            width = inputs["input_ids"].shape[1]
            mask = self.tokenizer.mask_token_id
            rows = [number * width + prompts[index].index(mask) for number, index in enumerate(batch)]
            yield batch, self._log_probabilities(inputs, rows, [0] * len(candidates), [one[0] for one in candidates])


@dataclass
class CandidateTree:
    """Candidates as a tree of their pieces, so that common prefixes are processed once, all in one pass.

    Node 0 is the end of the prompt; node ``n`` reads ``pieces[n - 1]`` after the node ``parents[n - 1]``, at the depth
    ``depths[n - 1]`` (0: directly after the prompt). ``queries`` are pairs of a node and the piece that follows it, and
    ``shares`` (pairs, candidates) the weights of their log-probabilities in the mean of each candidate.
    """

    pieces: list[int] = field(default_factory=list)
    parents: list[int] = field(default_factory=list)
    depths: list[int] = field(default_factory=list)
    queries: list[tuple[int, int]] = field(default_factory=list)
    shares: numpy.ndarray = field(default_factory=lambda: numpy.zeros((0, 0)))

    @classmethod
    def of(cls, candidates: Sequence[Pieces]) -> CandidateTree:
        tree = cls()
        nodes: dict[Pieces, int] = {(): 0}
        pairs: dict[tuple[int, int], int] = {}
        weights = []
        for number, candidate in enumerate(candidates):
            for depth, piece in enumerate(candidate):
                path = candidate[:depth]
                if path not in nodes:
                    nodes[path] = len(nodes)
                    tree.pieces.append(path[-1])
                    tree.parents.append(nodes[path[:-1]])
                    tree.depths.append(depth - 1)
                pair = pairs.setdefault((nodes[path], piece), len(pairs))
                weights.append((pair, number, 1 / len(candidate)))
        tree.queries = list(pairs)
        tree.shares = numpy.zeros((len(pairs), len(candidates)))
        for pair, number, weight in weights:
            tree.shares[pair, number] = weight
        return tree

    def __len__(self) -> int:
        return len(self.pieces)

    def seen(self) -> torch.Tensor:
        """The nodes that each node attends to: itself and its ancestors; bool (nodes, nodes)."""
        seen = torch.eye(len(self), dtype=torch.bool)
        for number, parent in enumerate(self.parents):
            if parent:
                seen[number] |= seen[parent - 1]
        return seen


class CausalCloze(ClozeModel):
    """A causal language model; it predicts the pieces that complete a text."""

    kind: Kind = "causal"

    def fits(self, after: str) -> bool:
        return not after.strip(_END)

    def prompt(self, before: str, after: str) -> list[int] | None:
        [ids] = self._ids([before.rstrip()], special=True)
        if len(ids) > 1 and ids[-1] == self.tokenizer.eos_token_id:
            ids = ids[:-1]  # some tokenizers append an end token to every text
        return ids if 0 < len(ids) <= self.room - _MOST_PIECES else None

    def scores(self, prompts: Sequence[list[int]], candidates: Sequence[Pieces]) -> Iterator[Scores]:
        groups = [(columns, CandidateTree.of([candidates[one] for one in columns])) for columns in grouped(candidates)]
        for batch in self._batches(prompts, max(len(tree) for _, tree in groups)):
            result = numpy.empty((len(batch), len(candidates)))
            for columns, tree in groups:
                inputs, rows = _with_tree([prompts[index] for index in batch], tree)
                nodes, pieces = map(list, zip(*tree.queries, strict=True))
                result[:, columns] = self._log_probabilities(inputs, rows, nodes, pieces) @ tree.shares
            yield batch, result


def grouped(candidates: Sequence[Pieces], most: int = _TREE_AT_ONCE) -> list[list[int]]:
    """The numbers of the candidates in groups of at most ``most`` pieces; those with common prefixes are together."""
    groups: list[list[int]] = [[]]
    size = 0
    for number in sorted(range(len(candidates)), key=candidates.__getitem__):
        size += len(candidates[number])
        if size > most and groups[-1]:
            groups.append([])
            size = len(candidates[number])
        groups[-1].append(number)
    return groups


def _with_tree(prompts: Sequence[list[int]], tree: CandidateTree) -> tuple[dict[str, torch.Tensor], list[int]]:
    """Each prompt, padded, followed by the nodes of the tree, which attend to the prompt and their ancestors.

    Returns the model's inputs, with a mask (prompts, 1, positions, positions) that is added to the attention scores,
    and the positions in the flattened batch of the end of each prompt and of its nodes.
    """
    longest, nodes = max(map(len, prompts)), len(tree)
    ids = torch.zeros((len(prompts), longest + nodes), dtype=torch.long)
    places = torch.arange(longest + nodes).repeat(len(prompts), 1)
    seen = torch.zeros((len(prompts), longest + nodes, longest + nodes), dtype=torch.bool)
    seen[:, :longest, :longest] = torch.ones((longest, longest), dtype=torch.bool).tril()
    seen[:, longest:, longest:] = tree.seen()
    ids[:, longest:] = torch.tensor(tree.pieces, dtype=torch.long)
    rows: list[int] = []
    for number, prompt in enumerate(prompts):
        ids[number, : len(prompt)] = torch.tensor(prompt)
        seen[number, longest:, : len(prompt)] = True
        places[number, longest:] = len(prompt) + torch.tensor(tree.depths, dtype=torch.long)
        start = number * (longest + nodes)
        rows += [start + len(prompt) - 1, *range(start + longest, start + longest + nodes)]
    mask = torch.zeros(seen.shape).masked_fill(~seen, torch.finfo(torch.float32).min)
    return {"input_ids": ids, "position_ids": places, "attention_mask": mask[:, None]}, rows


def load(source: ModelSource, body: ModelSource | None = None, *, trust_remote_code: bool = False) -> ClozeModel:
    """A language model with its trained head, in fp32; ``body``, if given, replaces all weights except the head.

    Raises:
        HallucError E411: it cannot be loaded, is not a masked or causal language model, or has no trained head; the
            body is of another model; or its attention ignores the mask.
    """
    for one in filter(None, (source, body)):
        if one.local and one.gguf is None:
            check_model_files(Path(one.name))
    tokenizer = load_tokenizer(body or source, trust_remote_code)
    kind = kind_of(source, tokenizer, trust_remote_code)
    # Prompts are whole texts: their first word is tokenized as by the base model, without a blank.
    tokenizer = load_tokenizer(source, trust_remote_code, splits_words=False)
    attention = attention_for("cuda" if torch.cuda.is_available() else "cpu")
    model, _, missing = load_model(_AUTO[kind], source, attention, {}, trust_remote_code=trust_remote_code)
    refuse_missing(model, missing, source, fresh_head=True)
    if missing:
        message = f"{source.name} has no trained {kind} language-model head: no weights for {', '.join(missing[:3])}"
        raise environment_error("E411", message, "its answers would be random: use a model with a trained head")
    if body is not None:
        _transplant(model, body, attention, trust_remote_code)
    if kind == "masked":
        return MaskedCloze(model, tokenizer)
    cloze = CausalCloze(model, tokenizer)
    _refuse_ignored_mask(cloze, source)
    return cloze


def kind_of(source: ModelSource, tokenizer: Any, trust_remote_code: bool = False) -> Kind:
    """The kind of a model from its architecture or, if it has no language-model head, from its tokenizer.

    Raises:
        HallucError E411: an encoder-decoder, or its config cannot be read.
    """
    settings = _settings(source, trust_remote_code)
    if getattr(settings, "is_encoder_decoder", False):
        help = "cloze patterns are for masked and causal language models"
        raise environment_error("E411", f"{source.name} is an encoder-decoder, which cannot be probed", help)
    head = _head(settings)
    if head is not None:
        return head
    return "masked" if source.gguf is None and tokenizer.mask_token_id is not None else "causal"


def has_head(source: ModelSource, trust_remote_code: bool = False) -> bool:
    """Whether a model folder is a complete masked or causal language model; raises like ``kind_of``."""
    return source.gguf is not None or _head(_settings(source, trust_remote_code)) is not None


def _settings(source: ModelSource, trust_remote_code: bool) -> Any:
    # A model in a GGUF file is always causal, and reading its config takes seconds.
    return None if source.gguf is not None else load_settings(source, trust_remote_code)


def _head(settings: Any) -> Kind | None:
    """The kind of language-model head in ``architectures`` of a config."""
    from transformers.models.auto import modeling_auto

    names = set(getattr(settings, "architectures", None) or ())
    if names & set(modeling_auto.MODEL_FOR_CAUSAL_LM_MAPPING_NAMES.values()):
        return "causal"
    return "masked" if names & set(modeling_auto.MODEL_FOR_MASKED_LM_MAPPING_NAMES.values()) else None


def _transplant(model: Any, body: ModelSource, attention: str | None, trust_remote_code: bool) -> None:
    """Replace the weights of a language model by those of ``body``, a fine-tuned model of the same architecture with
    another head.

    Raises:
        HallucError E411: the body lacks weights, or is of another architecture or size.
    """
    tuned, _, missing = load_model("AutoModel", body, attention, {}, trust_remote_code=trust_remote_code)
    own, trained = model.base_model.state_dict(), tuned.state_dict()
    lacking = {name for name in missing if not name.startswith("pooler.")}  # no language-model head uses the pooler
    wrong = sorted(
        name
        for name, weights in own.items()
        if name in lacking or name not in trained or trained[name].shape != weights.shape
    )
    if wrong:
        message = f"{body.name} is not a fine-tuned model of the same base: {wrong[0]} is missing, or of another shape"
        raise environment_error("E411", message, "`model.name` may have changed, or is another model than in training")
    model.base_model.load_state_dict({name: trained[name] for name in own})


def _refuse_ignored_mask(cloze: CausalCloze, source: ModelSource) -> None:
    """Compare a tree of candidates with the same candidates one by one: some attention implementations ignore our mask.

    Raises:
        HallucError E411: they differ.
    """
    prompts, candidates = [[3, 4, 5], [7]], [(6, 7), (8, 9), (10,)]
    try:
        scores = dict(
            pair for batch, rows in cloze.scores(prompts, candidates) for pair in zip(batch, rows, strict=True)
        )
        alone = [[_score_alone(cloze, prompt, one) for one in candidates] for prompt in prompts]
        is_same = numpy.allclose([scores[0], scores[1]], alone, rtol=0, atol=2e-4)
    except (RuntimeError, ValueError, TypeError, IndexError):
        is_same = False
    if not is_same:
        message = f"{source.name} cannot be probed: its attention does not support custom masks"
        raise environment_error("E411", message, "use a model of another architecture")


@torch.inference_mode()
def _score_alone(cloze: CausalCloze, prompt: list[int], candidate: Pieces) -> float:
    ids = torch.tensor([[*prompt, *candidate]]).to(cloze.device)
    chosen = cloze.model.model(input_ids=ids).logits[0].float().log_softmax(-1)
    results = [float(chosen[len(prompt) - 1 + at, piece]) for at, piece in enumerate(candidate)]
    return sum(results) / len(results)
