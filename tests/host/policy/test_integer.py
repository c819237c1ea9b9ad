"""The integer reference against the same arithmetic in Python's own integers."""
import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from quarl.host.policy import Layer
from quarl.host.policy.integer import accumulators, convolve, count_thresholds, matmul, trace
from tests.host.helpers import make_policy, random_codes, random_policy
from tests.host.policy import naive
from tests.host.policy.pixels import pixel_policy, random_pixels

BITS = st.integers(2, 8)


@settings(max_examples=80, deadline=None)
@given(st.lists(st.sampled_from([1, 2, 3, 5, 8, 13]), min_size=2, max_size=4), BITS, BITS, BITS,
       st.integers(1, 4), st.integers(0, 2 ** 32 - 1))
@example([1, 1], 2, 2, 2, 1, 0)
@example([1, 1, 1, 1], 8, 8, 8, 3, 1)
@example([13, 7, 5], 8, 8, 8, 4, 2)
def test_equals_python_integers(sizes, weight_bits, act_bits, input_bits, count, seed):
    policy = random_policy(sizes, weight_bits, act_bits, input_bits, seed)
    codes = random_codes(policy, count, seed)
    expected, found = naive.trace(policy, codes), trace(policy, codes)
    assert len(found) == len(expected)
    for index, (acc, hidden) in enumerate(found):
        assert acc.dtype == np.int32 and acc.tolist() == expected[index][0]
        assert np.abs(acc.astype(np.int64)).max() <= policy.accumulator_bound(index)
        if hidden is None:
            assert expected[index][1] is None
        else:
            assert hidden.dtype == np.uint8 and hidden.tolist() == expected[index][1]
    assert np.array_equal(accumulators(policy, codes), found[-1][0])


def test_an_example_by_hand():
    steps = trace(make_policy(), np.array([[7, -8], [-8, 7]], np.int8))
    assert steps[0][0].tolist() == [[23, 113, -24], [-22, -112, 21]]
    assert steps[0][1].tolist() == [[3, 3, 1], [0, 0, 2]]
    assert steps[1][0].tolist() == [[3, -6], [6, 0]]
    assert steps[1][1] is None


def test_a_threshold_counts_from_equality_on_and_repeated_ones_count_each():
    table = np.array([[-1, 2, 2]], np.int32)
    found = count_thresholds(table, np.array([[-2], [-1], [1], [2], [3]], np.int32))
    assert found.tolist() == [[0], [1], [1], [3], [3]]


def test_eight_bit_codes_reach_255():
    table = np.arange(255, dtype=np.int32).reshape(1, 255)
    assert count_thresholds(table, np.array([[-1], [0], [253], [254], [10 ** 6]], np.int32)).tolist() == [
        [0], [1], [254], [255], [255]]


def test_thresholds_at_the_ends_of_int32():
    ends = np.iinfo(np.int32)
    table = np.array([[ends.min, 0, ends.max]], np.int32)
    assert count_thresholds(table, np.array([[ends.min], [0], [ends.max]], np.int32)).tolist() == [[1], [2], [3]]


@pytest.mark.parametrize("inputs", [1041, 1043, 1500, 3001])
def test_exact_beyond_float32(inputs):
    weights = np.full((2, inputs), 127, np.int8)
    weights[0, 0], weights[1] = 126, -127
    codes = np.full((1, inputs), 127, np.int8)
    codes[0, -1] = 126
    layer = Layer(weights, 8)
    zeros = np.zeros(inputs, np.float32)
    policy = make_policy(input_bits=8, observation_shape=(inputs,), encode_scale=zeros, encode_offset=zeros,
                         layers=(layer,))
    expected = naive.trace(policy, codes)[-1][0]
    assert any(int(np.float32(value)) != value for value in expected[0]), "float32 would do: a weak example"
    assert accumulators(policy, codes).tolist() == expected


@pytest.mark.parametrize("inputs", [1023, 1024, 1025])
def test_exact_on_both_sides_of_the_float32_limit(inputs):
    weights = np.full((1, inputs), -128, np.int8)
    weights[0, 0] = -127
    codes = np.full((1, inputs), -128, np.int8)
    codes[0, 1] = -127
    zeros = np.zeros(inputs, np.float32)
    policy = make_policy(input_bits=8, observation_shape=(inputs,), encode_scale=zeros, encode_offset=zeros,
                         layers=(Layer(weights, 8),))
    assert policy.accumulator_bound(0) == (128 * inputs - 1) * 128
    assert accumulators(policy, codes).tolist() == [[128 * 128 * inputs - 256]]


def test_a_single_odd_sum_beyond_float32():
    # Odd and above 2**24: float32 has no such number, so the wrong choice of type would show.
    weights = np.array([[127] * 1042 + [1]], np.int8)
    codes = np.array([[127] * 1042 + [1]], np.int8)
    total = 127 * 127 * 1042 + 1
    assert total > 2 ** 24 and int(np.float32(total)) != total
    assert matmul(weights, codes, total).tolist() == [[total]]


def test_exact_up_to_the_ends_of_int32():
    inputs = 131071
    weights, codes = np.full((2, inputs), -128, np.int8), np.full((1, inputs), -128, np.int8)
    weights[1] = 127
    found = matmul(weights, codes, 128 * 128 * inputs)
    assert found.dtype == np.int32 and found.tolist() == [[128 * 128 * inputs, -128 * 127 * inputs]]


def test_bound_of_a_hidden_layer_counts_unsigned_codes():
    policy = make_policy()
    assert [policy.accumulator_bound(i) for i in range(2)] == [15 * 8, 6 * 3]


def test_no_rows_give_no_rows():
    assert accumulators(make_policy(), np.empty((0, 2), np.int8)).shape == (0, 2)


SMALL = st.integers(1, 5)


@settings(max_examples=80, deadline=None)
@given(SMALL, SMALL, SMALL, SMALL, st.integers(0, 6), st.integers(0, 6), st.integers(1, 4), st.integers(0, 3),
       st.booleans(), st.integers(0, 2 ** 32 - 1))
@example(4, 32, 8, 8, 76, 76, 4, 1, True, 0)
@example(1, 1, 1, 1, 0, 0, 1, 1, False, 0)
def test_convolution_equals_torch(inputs, outputs, kernel_height, kernel_width, more_height, more_width, stride, count,
                                  pixels, seed):
    torch = pytest.importorskip("torch")
    rng = np.random.default_rng(seed)
    weights = rng.integers(-128, 128, (outputs, inputs, kernel_height, kernel_width)).astype(np.int8)
    shape = (count, inputs, kernel_height + more_height, kernel_width + more_width)
    codes = rng.integers(0, 256, shape).astype(np.uint8) if pixels else rng.integers(-128, 128, shape).astype(np.int8)
    found = convolve(weights, codes, stride, 128 * 255 * weights[0].size)
    # float64 holds every one of these sums exactly
    expected = torch.nn.functional.conv2d(torch.from_numpy(codes.astype(np.float64)),
                                          torch.from_numpy(weights.astype(np.float64)), stride=stride).numpy()
    assert found.dtype == np.int32 and found.shape == expected.shape and np.array_equal(found, expected)


def test_a_convolution_by_hand():
    codes = np.arange(12, dtype=np.uint8).reshape(1, 1, 3, 4)
    weights = np.array([[[[1, 0], [0, -1]]], [[[0, 2], [0, 0]]]], np.int8)
    assert convolve(weights, codes, 1, 30).tolist() == [[[[-5, -5, -5], [-5, -5, -5]], [[2, 4, 6], [10, 12, 14]]]]
    assert convolve(weights, codes, 2, 30).tolist() == [[[[-5, -5]], [[2, 6]]]]


def test_convolutions_are_exact_beyond_float32():
    weights, codes = np.full((1, 3, 20, 20), 127, np.int8), np.full((1, 3, 20, 20), 255, np.uint8)
    weights[0, 0, 0, 0] = 126
    total = 127 * 255 * 1200 - 255
    assert total > 2 ** 24 and int(np.float32(total)) != total
    assert convolve(weights, codes, 1, total).tolist() == [[[[total]]]]


def test_a_policy_of_pixels_equals_torch():
    torch = pytest.importorskip("torch")
    policy = pixel_policy((4, 20, 17), [(6, (5, 4), 3), (5, (3, 2), 1)], [7, 3], 8, 4, seed=5)
    observations = random_pixels(policy, 6, 1)
    codes, varied = torch.from_numpy(observations.astype(np.float64)), 0
    for layer, (acc, hidden) in zip(policy.layers, trace(policy, observations.reshape(6, -1)), strict=True):
        weights = torch.from_numpy(layer.weights.astype(np.float64))
        expected = (torch.nn.functional.linear(codes.flatten(1), weights) if layer.stride is None
                    else torch.nn.functional.conv2d(codes, weights, stride=layer.stride))
        assert acc.dtype == np.int32 and np.array_equal(acc, expected.numpy())
        if layer.thresholds is None:
            assert hidden is None
            continue
        table = torch.from_numpy(layer.thresholds.astype(np.float64))
        table = table.reshape(1, *table.shape, *[1] * (expected.ndim - 2))
        codes = (expected.unsqueeze(2) >= table).sum(2).double()
        assert hidden.dtype == np.uint8 and np.array_equal(hidden, codes.numpy())
        varied += len(np.unique(hidden)) > 4
    assert varied == 3, "weak thresholds: hardly any two codes differ"


def test_pixels_may_come_flat_or_in_their_shape():
    policy = pixel_policy()
    observations = random_pixels(policy, 3, 0)
    flat, shaped = (accumulators(policy, codes) for codes in (observations.reshape(3, -1), observations))
    assert flat.shape == (3, 2) and np.array_equal(flat, shaped)
    assert accumulators(policy, observations[:0]).shape == (0, 2)


def test_codes_of_another_length_are_no_input():
    with pytest.raises(ValueError, match="reshape"):
        accumulators(make_policy(), np.zeros((2, 4), np.int8))
    with pytest.raises(ValueError, match="reshape"):
        accumulators(pixel_policy(), np.zeros((2, 72), np.uint8))
