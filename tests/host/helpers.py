"""Policies made by hand, and the check that an error says rule, value and fix."""
from __future__ import annotations

import contextlib
import itertools
import re
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pytest

from quarl.host.policy import ActionSpace, Layer, Policy

RETRY = "export the run again with `quarl export RUN`"


@contextlib.contextmanager
def refused(kind: type[Exception], rule: str, found: str | re.Pattern[str], fix: str) -> Iterator[None]:
    """The block must raise ``kind`` with exactly this rule, value and fix (a value may be a pattern)."""
    with pytest.raises(kind) as caught:
        yield
    error: Any = caught.value
    assert (error.rule, error.fix) == (rule, fix)
    if isinstance(found, str):
        assert error.found == found
    else:
        assert found.fullmatch(error.found), error.found
    assert str(error) == f"{rule}, found {error.found}. Fix: {fix}."


def vector(*values: float) -> np.ndarray:
    """A float32 vector."""
    return np.array(values, np.float32)


def make_policy(**changes: Any) -> Policy:
    """A valid policy of 2 features, 3 hidden channels of 2 bits and 2 discrete actions, with ``changes``."""
    hidden = Layer(np.array([[1, -2], [7, -8], [0, 3]], np.int8), 4,
                   np.array([[-3, 0, 5], [1, 1, 9], [-100, 2, 400]], np.int32), 2)
    last = Layer(np.array([[1, -1, 3], [-4, 2, 0]], np.int8), 3)
    fields: dict[str, Any] = {
        "task": "Toy-v0", "algo": "ppo", "input_bits": 4, "observation_shape": (2,),
        "action": ActionSpace("discrete", 2), "head": "argmax",
        "encode_scale": vector(2, 0.25), "encode_offset": vector(0.5, -1), "layers": (hidden, last),
        "decode_scale": vector(0.5, 0.25), "decode_bias": vector(1, -1), "provenance": {"seed": 3}}
    return Policy(**{**fields, **changes})


def box_policy(**changes: Any) -> Policy:
    """The same network with a box of two dimensions."""
    return make_policy(**{"action": ActionSpace("box", 0, (-1.0, 0.0), (1.0, 4.0)), "head": "clip", **changes})


def random_policy(sizes: Sequence[int], weight_bits: int, act_bits: int, input_bits: int, seed: int) -> Policy:
    """A policy of random weights over the whole range and thresholds that repeat and lie inside and outside it."""
    rng = np.random.default_rng(seed)
    limit = 2 ** (weight_bits - 1)
    layers = []
    for index, (inputs, outputs) in enumerate(itertools.pairwise(sizes)):
        weights = rng.integers(-limit, limit, (outputs, inputs)).astype(np.int8)
        if index == len(sizes) - 2:
            layers.append(Layer(weights, weight_bits))
            continue
        reach = int(rng.integers(1, 2 + limit * inputs * 2 ** act_bits))
        thresholds = np.sort(rng.integers(-reach, reach + 1, (outputs, 2 ** act_bits - 1)), axis=1)
        layers.append(Layer(weights, weight_bits, thresholds.astype(np.int32), act_bits))
    ones, zeros = np.ones(sizes[0], np.float32), np.zeros(sizes[0], np.float32)
    return make_policy(
        input_bits=input_bits, observation_shape=(sizes[0],), action=ActionSpace("discrete", sizes[-1]),
        encode_scale=ones, encode_offset=zeros, layers=tuple(layers),
        decode_scale=np.ones(sizes[-1], np.float32), decode_bias=np.zeros(sizes[-1], np.float32))


def random_codes(policy: Policy, count: int, seed: int) -> np.ndarray:
    """Input codes int8 [count, features] over the whole range."""
    low, high = policy.input_range
    return np.random.default_rng(seed).integers(low, high + 1, (count, policy.features)).astype(np.int8)
