"""Mixed precision: what runs in 16 bits, what stays in 32, and gradients that survive it."""
import pytest
import torch
from torch import nn

from quarl.host.errors import UserError
from quarl.models.sb3 import mixed_precision
from quarl.models.sb3.mixed_precision import check, scaled_gradients
from tests.models.sb3.test_policies import make


@pytest.mark.parametrize("algo", ["ppo", "a2c", "dqn", "ddpg", "td3", "sac"])
def test_bf16_trains_every_algorithm(algo, monkeypatch):
    model = make(algo)
    model.precision = "bf16"
    dtypes = set()
    linear = torch.nn.functional.linear
    monkeypatch.setattr(torch.nn.functional, "linear",
                        lambda *args: (out := linear(*args), dtypes.add(out.dtype))[0])
    model.learn(64)
    assert torch.bfloat16 in dtypes
    assert all(p.dtype == torch.float32 and p.isfinite().all() for p in model.policy.parameters())


def test_losses_read_fp32(monkeypatch):
    model = make("ppo")
    model.precision = "bf16"
    seen = []
    evaluate = type(model.policy).evaluate_actions
    monkeypatch.setattr(type(model.policy), "evaluate_actions",
                        lambda *args: (seen.append(evaluate(*args)), seen[-1])[1])
    model.learn(32)
    assert {tensor.dtype for result in seen for tensor in result} == {torch.float32}


def test_scaled_gradients_are_the_same():
    torch.manual_seed(0)
    net, x = nn.Sequential(nn.Linear(5, 7), nn.ReLU(), nn.Linear(7, 1)), torch.randn(9, 5)
    net(x).square().mean().backward()
    expected = [p.grad.clone() for p in net.parameters()]
    net.zero_grad()
    with scaled_gradients(list(net.parameters())):
        net(x).square().mean().backward()
    assert all(torch.equal(p.grad, e) for p, e in zip(net.parameters(), expected, strict=True))
    net.zero_grad()
    net(x).square().mean().backward()
    assert all(torch.equal(p.grad, e) for p, e in zip(net.parameters(), expected, strict=True))


def test_an_overflowing_gradient_counts_as_none():
    weight = torch.tensor([1.0, 1.0], requires_grad=True)
    with scaled_gradients([weight]):
        (weight * torch.tensor([3e38, 2.0])).sum().backward()
    assert weight.grad.tolist() == [0.0, 2.0]


def test_small_gradients_survive_fp16():
    weight = torch.tensor([1.0], requires_grad=True)

    def gradient():
        weight.grad = None
        ((weight.half() * torch.tensor([1.0]).half()).float() * 2.0 ** -26).sum().backward()
        return float(weight.grad)
    assert gradient() == 0.0
    with scaled_gradients([weight]):
        assert gradient() == 2.0 ** -26


@pytest.mark.parametrize(("name", "device", "message"), [
    ("fp16", "cpu", r"fp16 needs a GPU: a CPU converts every number and is 5 to 13 times slower than in fp32, found "
                    r"device cpu\. Fix: train with --precision bf16, or on a GPU\."),
    ("int8", "cpu", r"the precision must be one of fp32, bf16, fp16, found int8\. Fix: choose one with --precision\."),
])
def test_bad_precisions(name, device, message):
    with pytest.raises(UserError, match=message):
        check(name, torch.device(device))


def test_good_precisions():
    for name, device in (("fp32", "cpu"), ("bf16", "cpu"), ("bf16", "cuda"), ("fp16", "cuda")):
        check(name, torch.device(device))
    assert set(mixed_precision.DTYPES) == {"fp32", "bf16", "fp16"}
