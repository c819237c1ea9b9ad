"""The integer program in C, in numpy and in Python's own integers: one and the same, layer by layer."""
import dataclasses

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from quarl.host.accelerator import native
from quarl.host.accelerator.native_integer import Program
from quarl.host.policy import ActionSpace, Layer, codec, integer, validate
from tests.host.helpers import make_policy, random_codes, random_policy
from tests.host.policy import naive
from tests.host.policy.pixels import pixel_policy, random_pixels

BITS, SEEDS = st.integers(2, 8), st.integers(0, 2 ** 32 - 1)
SIZES = st.lists(st.sampled_from([1, 2, 3, 4, 5, 8, 13, 16, 17, 33]), min_size=2, max_size=4)
KERNELS = st.tuples(st.integers(1, 5), st.tuples(st.integers(1, 3), st.integers(1, 3)), st.integers(1, 3))
INT32 = np.iinfo(np.int32)


@pytest.fixture(scope="module")
def library():
    return native.compiled()


def program(library, policy):
    validate(policy)
    return Program(native.Native(library, policy))


def until(policy, index):
    """Policies that end at layer ``index``: one puts its codes out, and, of a dense one, another its accumulators."""
    layer = policy.layers[index]
    if layer.thresholds is not None:
        shape = policy.observation_shape if policy.pixels else (policy.features,)
        for each in policy.layers[:index + 1]:
            shape = each.output_shape(shape)
        yield "codes", ended(policy, policy.layers[:index + 1], Layer(np.eye(int(np.prod(shape)), dtype=np.int8), 2))
    if layer.stride is None:
        yield "accumulators", ended(policy, policy.layers[:index], Layer(layer.weights, layer.weight_bits))


def ended(policy, layers, last):
    outputs = len(last.weights)
    zeros = np.zeros(outputs, np.float32)
    return dataclasses.replace(policy, layers=(*layers, last), action=ActionSpace("discrete", outputs),
                               decode_scale=zeros, decode_bias=zeros)


def assert_equal(library, policy, codes):
    """All three, in every layer, for the batch and for each of it alone."""
    expected, found = naive.trace(policy, codes), integer.trace(policy, codes)
    for index, ((sums, hidden), (acc, after)) in enumerate(zip(expected, found, strict=True)):
        assert acc.dtype == np.int32 and acc.tolist() == sums
        assert np.abs(acc.astype(np.int64)).max(initial=0) <= policy.accumulator_bound(index)
        assert (after is None) == (hidden is None)
        if after is not None:
            assert after.dtype == np.uint8 and after.tolist() == hidden
        for what, short in until(policy, index):
            want = np.array(hidden if what == "codes" else sums).reshape(len(codes), len(short.layers[-1].weights))
            assert np.array_equal(program(library, short).accumulators(codes), want), (index, what)
    many = program(library, policy)
    together = many.accumulators(codes)
    assert together.dtype == np.int32 and together.tolist() == expected[-1][0]
    for row, want in zip(codes, together, strict=True):
        assert np.array_equal(many.accumulators(row[None])[0], want)
        assert np.array_equal(integer.accumulators(policy, row[None])[0], want)


def awkward(policy, seed):
    """The policy with weights at the ends of their range, and thresholds that repeat, or that nothing reaches."""
    rng, layers = np.random.default_rng(seed), []
    for layer in policy.layers:
        limit = 2 ** (layer.weight_bits - 1)
        weights = np.where(rng.random(layer.weights.shape) < 0.5, layer.weights,
                           rng.choice([-limit, limit - 1], layer.weights.shape)).astype(np.int8)
        if rng.random() < 0.3:
            weights = np.full_like(weights, -limit)
        thresholds = layer.thresholds
        if thresholds is not None:
            bound = int(np.abs(weights.astype(int)).sum() / len(weights) * 2 ** policy.input_bits)
            pool = np.array([INT32.min, INT32.max, 0, 1, -1, -limit, *rng.integers(-bound - 1, bound + 2, 4)])
            thresholds = np.sort(rng.choice(pool, thresholds.shape), axis=1).astype(np.int32)
        layers.append(dataclasses.replace(layer, weights=weights, thresholds=thresholds))
    return dataclasses.replace(policy, layers=tuple(layers))


@settings(max_examples=80, deadline=None)
@given(SIZES, BITS, BITS, BITS, st.integers(0, 4), st.booleans(), SEEDS)
@example([1, 1], 2, 2, 2, 1, False, 0)
@example([33, 17, 5, 3], 8, 8, 8, 3, True, 1)
@example([17, 4, 4], 8, 8, 8, 2, False, 2)
def test_dense(library, sizes, weight_bits, act_bits, input_bits, count, odd, seed):
    policy = random_policy(sizes, weight_bits, act_bits, input_bits, seed)
    codes = random_codes(policy, count, seed)
    codes[:1] = policy.input_range[0]
    assert_equal(library, awkward(policy, seed) if odd else policy, codes)


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 4), st.lists(KERNELS, min_size=1, max_size=2),
       st.lists(st.integers(1, 5), min_size=1, max_size=2),
       st.tuples(st.integers(0, 2), st.integers(0, 2)), BITS, BITS, st.integers(0, 2), st.booleans(), SEEDS)
@example(4, [(5, (3, 2), 2), (3, (2, 3), 1)], [5, 2], (2, 1), 8, 8, 2, True, 0)
def test_convolutions(library, channels, convs, dense, more, weight_bits, act_bits, count, odd, seed):
    height, width = 1 + more[0], 1 + more[1]
    for _, kernel, stride in reversed(convs):       # as large as its output and its kernel ask for
        height, width = (height - 1) * stride + kernel[0], (width - 1) * stride + kernel[1] + stride // 2
    policy = pixel_policy((channels, height, width), convs, dense, weight_bits, act_bits, seed)
    codes = random_pixels(policy, count, seed).reshape(count, policy.features)
    codes[:1] = 255
    assert_equal(library, awkward(policy, seed) if odd else policy, codes)


@pytest.mark.parametrize(("inputs", "weight", "code"), [
    (1023, -128, -128), (1024, -128, -128), (1025, -128, -128),         # 2**24 and its neighbours
    (1042, 127, 127), (131071, -128, -128), (131071, 127, -128)])       # the last ones below 2**31
def test_large_sums(library, inputs, weight, code):
    weights = np.full((2, inputs), weight, np.int8)
    weights[0, 0] += -1 if weight > 0 else 1        # odd sums, which a shorter type does not hold
    codes = np.full((1, inputs), code, np.int8)
    codes[0, 0] += -1 if code > 0 else 1
    sums = (weights.astype(np.int64) * codes.astype(np.int64)).sum(axis=1)
    zeros = np.zeros(inputs, np.float32)
    table = np.stack([sums - 1, sums, sums + 1], axis=1).astype(np.int32)
    layers = Layer(weights, 8, table, 2), Layer(np.eye(2, dtype=np.int8), 2)
    policy = make_policy(input_bits=8, observation_shape=(inputs,), encode_scale=zeros, encode_offset=zeros,
                         layers=layers)
    assert abs(policy.accumulator_bound(0) - 2 ** (24 if inputs < 2000 else 31)) < 2 ** 25
    (acc, hidden), _ = integer.trace(policy, codes)
    assert acc.tolist() == [sums.tolist()] and hidden.tolist() == [[2, 2]]
    assert program(library, policy).accumulators(codes).tolist() == [[2, 2]]
    short = dataclasses.replace(policy, layers=(Layer(weights, 8),))
    assert program(library, short).accumulators(codes).tolist() == [sums.tolist()]


@pytest.mark.parametrize("head, start", [("argmax", 0), ("argmax", 1), ("argmax", -2), ("argmax", 2 ** 40), ("clip", 0),
                                         ("tanh", 0)])
def test_a_whole_step(library, head, start):
    policy = random_policy([5, 9, 3], 4, 3, 8, seed=1)
    action = (ActionSpace("discrete", 3, start=start) if head == "argmax"
              else ActionSpace("box", 0, (-1.0,) * 3, (2.0,) * 3))
    rng = np.random.default_rng(0)
    scale = rng.normal(0, 0.01, 3).astype(np.float32)
    policy = dataclasses.replace(policy, head=head, action=action, decode_scale=scale)
    act = program(library, policy).actor()          # the program itself is not kept here, and must not be freed
    for observation in rng.normal(0, 50, (50, 5)).astype(np.float32):
        expected = integer.accumulators(policy, codec.encode(policy, observation))
        action, accumulators = act(observation)
        want = codec.decode(policy, expected)[1][0]
        assert np.array_equal(action, want) and action.dtype == want.dtype
        assert accumulators.dtype == np.int32 and np.array_equal(accumulators, expected[0])
    assert act(np.array([0, 0, np.nan, 0, 0], np.float32)) is None
    assert act(np.zeros(4, np.float32)) is None and act([0.0] * 5) is None


def test_an_answer_does_not_change_with_the_next():
    policy = random_policy([5, 9, 3], 4, 3, 8, seed=1)
    codes, functions = random_codes(policy, 2, 0), program(native.compiled(), policy)
    act, (one, other) = functions.actor(), codes.astype(np.float32)
    first, (_, acted) = functions.accumulators(codes[:1]), act(one)
    kept = first.copy()
    functions.accumulators(codes[1:])
    act(other)
    assert np.array_equal(first, kept) and np.array_equal(acted, kept[0])
