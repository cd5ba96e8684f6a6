from __future__ import annotations

import pytest
import torch
from torch.nn import functional

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
    factor = torch.randn(2, 4, 8)
    plain, short = model(), model()
    (plain(ids) * factor).sum().backward()
    shortcuts = Shortcuts(1)
    with shortcuts:
        (short(ids) * factor).sum().backward()
        (short(ids) * factor).sum().backward()  # gradients accumulate
    assert torch.allclose(short.weight.grad, 2 * plain.weight.grad, atol=1e-6)
    assert short.weight.grad[0].abs().sum() == 0  # the padding row


def test_gradients_are_cleared_where_they_were_touched():
    embedding = model()
    optimizer = torch.optim.SGD(embedding.parameters(), lr=0.1)
    shortcuts = Shortcuts(1)
    with shortcuts:
        embedding(torch.tensor([3, 4])).sum().backward()
    kept = embedding.weight.grad
    shortcuts.clear_gradients(optimizer)
    assert embedding.weight.grad is kept
    assert kept.abs().sum() == 0


def test_frozen_and_small_embeddings_go_torchs_way():
    frozen = model()
    frozen.weight.requires_grad_(False)
    small = torch.nn.Embedding(10, 4)
    with Shortcuts(1) as shortcuts:
        assert not frozen(torch.tensor([1])).requires_grad
        small(torch.tensor([1])).sum().backward()
    assert small.weight.grad is not None
    assert shortcuts.touched == {}
