from __future__ import annotations

import contextlib

import pytest
import torch
from torch.nn import functional

from halluc.engine import runtime
from halluc.engine.shortcuts import LARGE_EMBEDDING, Shortcuts


@pytest.mark.parametrize("p", [0.1, 0.5])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_dropout_drops_its_share_and_keeps_the_expectation(p, dtype):
    shortcuts = Shortcuts(1)
    shortcuts.begin(0)
    with shortcuts:
        dropped = functional.dropout(torch.ones(1000, 300, dtype=dtype), p)
    assert (dropped == 0).float().mean().item() == pytest.approx(p, abs=0.005)
    assert dropped.float().mean().item() == pytest.approx(1, abs=0.01)
    kept = dropped[dropped != 0].float()
    assert kept.min() == kept.max()


def test_one_pool_serves_every_dtype():
    shortcuts = Shortcuts(1, torch.bfloat16)
    with shortcuts:
        for dtype in (torch.float32, torch.bfloat16):
            dropped = functional.dropout(torch.ones(1000, 300, dtype=dtype), 0.1)
            assert dropped.dtype == dtype
            assert dropped.float().max().item() == pytest.approx(1 / 0.9, rel=1e-6 if dtype == torch.float32 else 2e-3)
    assert [pool.dtype for pool in shortcuts.pools.values()] == [torch.bfloat16]


def test_dropout_is_a_function_of_seed_and_step():
    def masks(seed: int, step: int) -> torch.Tensor:
        shortcuts = Shortcuts(seed)
        shortcuts.begin(step)
        with shortcuts:
            return torch.stack([functional.dropout(torch.ones(50, 50), 0.3) for _ in range(2)])

    assert torch.equal(masks(1, 5), masks(1, 5))
    assert not torch.equal(masks(1, 5), masks(1, 6))
    assert not torch.equal(masks(1, 5), masks(2, 5))
    assert not torch.equal(*masks(1, 5))


def test_dropout_is_off_where_it_is_off():
    ones = torch.ones(10, 10)
    with Shortcuts(1):
        assert torch.equal(functional.dropout(ones, 0.5, training=False), ones)
        assert torch.equal(functional.dropout(ones, 0.0), ones)
        assert functional.dropout(ones, 1.0).sum() == 0


def model() -> torch.nn.Embedding:
    torch.manual_seed(3)
    return torch.nn.Embedding(LARGE_EMBEDDING // 8, 8, padding_idx=0)


def test_gradients_of_large_embeddings_are_torchs():
    ids = torch.tensor([[5, 0, 7, 5], [9, 5, 0, 1]])
    more = torch.tensor([[2, 5]])
    factor = torch.randn(2, 4, 8)
    plain, short = model(), model()
    ((plain(ids) * factor).sum() + plain(more).sum()).backward()
    shortcuts = Shortcuts(1)
    with shortcuts:
        (short(ids) * factor).sum().backward()
        short(more).sum().backward()  # gradients accumulate
    rows, sums = shortcuts.rows.gradients[short.weight]
    assert short.weight.grad is None
    assert rows.tolist() == [0, 1, 2, 5, 7, 9]
    assert torch.allclose(torch.zeros_like(short.weight).index_add(0, rows, sums), plain.weight.grad, atol=1e-6)
    assert sums[0].abs().sum() == 0  # the padding row


@pytest.mark.parametrize("tied", [False, True])
def test_steps_on_rows_are_those_of_the_dense_gradient(tied, monkeypatch):
    """Clipping and AdamW, over parts that end within the touched rows; a tied output layer has a dense gradient."""
    monkeypatch.setattr("halluc.engine.shortcuts.PART", 8 * 1000)

    def trained(short: bool) -> tuple[torch.nn.Embedding, torch.optim.AdamW, list[float]]:
        embedding, head = model(), torch.nn.Linear(8, 3)
        torch.nn.init.constant_(head.weight, 0.1)
        torch.nn.init.zeros_(head.bias)
        both = torch.nn.ModuleList([embedding, head])
        optimizer = torch.optim.AdamW(both.parameters(), lr=0.1, weight_decay=0.01, fused=True)
        shortcuts, norms = Shortcuts(1), []
        generator = torch.Generator().manual_seed(7)
        for _ in range(4):
            ids = torch.randint(0, 5000, (3, 40), generator=generator)
            with shortcuts if short else contextlib.nullcontext():
                vectors = embedding(ids)
            outputs = head(vectors) @ torch.ones(3)
            loss = (outputs**2).sum()
            if tied:
                loss = loss + (vectors @ embedding.weight[:50].T).sum()
            loss.backward()
            if short:
                norms.append(float(shortcuts.rows.clip(both, 1.0)))
            else:
                norms.append(float(torch.nn.utils.clip_grad_norm_(both.parameters(), 1.0)))
            optimizer.step()
            shortcuts.rows.step(optimizer)
            optimizer.zero_grad()
        return embedding, optimizer, norms

    (plain, expected, norms), (short, found, short_norms) = trained(False), trained(True)
    assert short_norms == pytest.approx(norms, rel=1e-5)
    assert torch.allclose(short.weight, plain.weight, atol=1e-5)
    for name, value in expected.state[plain.weight].items():
        assert torch.allclose(found.state[short.weight][name], value, atol=1e-6), name


def test_no_dense_gradient_is_made_for_a_large_embedding():
    embedding = model()
    optimizer = torch.optim.AdamW(embedding.parameters(), fused=True)
    shortcuts = Shortcuts(1)
    with shortcuts:
        embedding(torch.tensor([3, 4])).sum().backward()
    before = embedding.weight.detach().clone()
    shortcuts.rows.clip(embedding, 1.0)
    shortcuts.rows.step(optimizer)
    assert embedding.weight.grad is None
    assert shortcuts.rows.gradients == {}
    assert (embedding.weight[3] < before[3]).all()


def test_frozen_and_small_embeddings_go_torchs_way():
    frozen = model()
    frozen.weight.requires_grad_(False)
    small = torch.nn.Embedding(10, 4)
    with Shortcuts(1) as shortcuts:
        assert not frozen(torch.tensor([1])).requires_grad
        small(torch.tensor([1])).sum().backward()
    assert small.weight.grad is not None
    assert shortcuts.rows.gradients == {}


def test_a_runtime_seeds_what_is_drawn_from_as_torch_does():
    engine = runtime.start("fp32", 1)
    engine.seed(7)
    drawn = torch.rand(5)
    torch.manual_seed(7)
    assert torch.equal(drawn, torch.rand(5))
