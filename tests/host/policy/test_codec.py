"""The two float steps against float32 arithmetic done one scalar at a time."""
import math
import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quarl.host.errors import UserError
from quarl.host.policy import ActionSpace, codec
from tests.host.helpers import box_policy, make_policy, refused, vector
from tests.host.policy.pixels import pixel_policy, random_pixels

FLOATS = st.floats(width=32, allow_nan=False, allow_infinity=False)
NEAR = st.floats(-300, 300, width=32)
OTHER_TASK = "use the task that the policy was trained on, Toy-v0"


def coded(values, scale, offset, bits):
    """Encode with one ``scale`` and ``offset`` for all features."""
    size = len(values)
    policy = make_policy(input_bits=bits, observation_shape=(size,), encode_scale=np.full(size, scale, np.float32),
                         encode_offset=np.full(size, offset, np.float32))
    return codec.encode(policy, np.array(values, np.float32))


def naive_code(value, scale, offset, bits):
    """One input code: two rounded float32 operations, Python's own round-half-even, saturation."""
    with np.errstate(over="ignore"):
        product = np.float32(np.float32(value) * np.float32(scale))
        total = float(np.float32(product + np.float32(offset)))
    low, high = -2 ** (bits - 1), 2 ** (bits - 1) - 1
    if math.isinf(total):
        return high if total > 0 else low
    return min(max(round(total), low), high)


@settings(max_examples=200, deadline=None)
@given(st.lists(st.one_of(NEAR, FLOATS), min_size=1, max_size=9), st.one_of(NEAR, FLOATS), st.one_of(NEAR, FLOATS),
       st.integers(2, 8))
def test_encode_equals_scalar_float32(values, scale, offset, bits):
    codes = coded(values, scale, offset, bits)
    assert codes.dtype == np.int8 and codes.shape == (1, len(values))
    assert codes[0].tolist() == [naive_code(value, scale, offset, bits) for value in values]


def test_encode_has_one_scale_and_offset_per_feature():
    assert codec.encode(make_policy(), [1, 8]).tolist() == [[2, 1]]       # 2.5 -> 2 (even), 8/4 - 1


def test_encode_rounds_half_to_even():
    assert coded([-2.5, -1.5, -0.5, 0.5, 1.5, 2.5, 3.5], 1, 0, 8).tolist() == [[-2, -2, 0, 0, 2, 2, 4]]


def test_encode_rounds_the_product_before_the_sum():
    # The exact product is 1 + 2**-11 + 2**-24. Rounded it loses the last term; a fused multiply-add would keep it.
    x = 1 + 2 ** -12
    assert coded([x], x, -(0.5 + 2 ** -11), 8).tolist() == [[0]]
    assert round(x * x - (0.5 + 2 ** -11)) == 1


def test_encode_rounds_a_float64_observation_to_float32_first():
    # In float64 it is just above 0.5 and would give 1.
    policy = make_policy(encode_scale=vector(1, 1), encode_offset=vector(0, 0))
    assert codec.encode(policy, np.array([0.5 + 1e-12, -0.5 - 1e-12])).tolist() == [[0, 0]]


@pytest.mark.parametrize("bits", range(2, 9))
def test_encode_saturates(bits):
    high = 2 ** (bits - 1) - 1
    values = [high, high + 0.4, high + 1, 1e9, 3.4e38, -high - 1, -high - 1.4, -high - 2, -1e9, -3.4e38]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert coded(values, 1, 0, bits).tolist() == [[high] * 5 + [-high - 1] * 5]
        assert coded([3.4e38, -3.4e38], 3.4e38, 0, bits).tolist() == [[high, -high - 1]]


def test_encode_takes_one_observation_or_a_batch():
    policy = make_policy()
    batch = np.array([[1, 8], [-3, 2], [0.25, 100]])
    together = codec.encode(policy, batch)
    assert together.shape == (3, 2)
    for row, codes in zip(batch, together, strict=True):
        assert codec.encode(policy, row).tolist() == [codes.tolist()]
    assert codec.encode(policy, np.empty((0, 2))).shape == (0, 2)


def test_encode_flattens_in_row_major_order():
    policy = make_policy(observation_shape=(2, 3), input_bits=8, encode_scale=np.ones(6, np.float32),
                         encode_offset=np.zeros(6, np.float32))
    assert codec.encode(policy, np.arange(6).reshape(2, 3)).tolist() == [[0, 1, 2, 3, 4, 5]]
    assert codec.encode(policy, np.arange(12).reshape(2, 2, 3)).tolist() == [[0, 1, 2, 3, 4, 5], [6, 7, 8, 9, 10, 11]]


def test_encode_leaves_the_observation_alone():
    observation = vector(1, 8)
    codec.encode(make_policy(), observation)
    assert observation.tolist() == [1, 8]


@pytest.mark.parametrize("observation, found", [
    ([math.nan, 1], "nan in feature 0"), ([1, math.inf], "inf in feature 1"), ([1, -math.inf], "-inf in feature 1"),
    ([[1, 2], [3, math.nan]], "nan in feature 1")])
def test_observation_must_be_finite(observation, found):
    with refused(UserError, "an observation must be finite", found,
                 "check the environment or the sensor that feeds the policy"):
        codec.encode(make_policy(), observation)


@pytest.mark.parametrize("observation, found", [
    ([1, 2, 3], "shape (3,)"), ([1], "shape (1,)"), (5.0, "shape ()"), (np.zeros((4, 3)), "shape (4, 3)"),
    (np.zeros((2, 2, 2)), "shape (2, 2, 2)"), ([], "shape (0,)")])
def test_observation_must_have_the_policys_shape(observation, found):
    with refused(UserError, "an observation must have the shape (2,)", found, OTHER_TASK):
        codec.encode(make_policy(), observation)


@pytest.mark.parametrize("observation", ["left", ["a", "b"], [[1], [1, 2]], {"x": 1}, [1, {}]])
def test_observation_must_be_numbers(observation):
    with pytest.raises(UserError) as caught:
        codec.encode(make_policy(), observation)
    assert caught.value.rule == "an observation must be numbers of shape (2,)"
    assert caught.value.fix == "pass what the environment Toy-v0 returns"


def test_pixels_are_their_own_codes():
    policy = pixel_policy(shape=(1, 16, 16), convs=[(1, (2, 2), 1)])
    every = np.arange(256, dtype=np.uint8).reshape(1, 16, 16)
    codes = codec.encode(policy, every)
    assert codes.dtype == np.uint8 and codes.tolist() == [list(range(256))]


def test_pixels_come_one_or_many_in_row_major_order():
    policy = pixel_policy()
    batch = random_pixels(policy, 3, 0)
    codes = codec.encode(policy, batch)
    assert codes.shape == (3, 144) and codes[2, 72 + 2 * 8 + 5] == batch[2, 1, 2, 5]
    assert codec.encode(policy, batch[1]).tolist() == codes[1:2].tolist()
    assert codec.encode(policy, batch[:0]).shape == (0, 144)


@pytest.mark.parametrize("kind", [np.float32, np.int8, np.int64])
def test_pixels_must_be_uint8(kind):
    with refused(UserError, "pixels must be uint8", np.dtype(kind).name, "pass what the environment Toy-v0 returns"):
        codec.encode(pixel_policy(), np.zeros((2, 9, 8), kind))


def test_pixels_must_have_the_policys_shape():
    with refused(UserError, "an observation must have the shape (2, 9, 8)", "shape (9, 8, 2)", OTHER_TASK):
        codec.encode(pixel_policy(), np.zeros((9, 8, 2), np.uint8))


@settings(max_examples=100, deadline=None)
@given(st.lists(st.integers(-2 ** 31, 2 ** 31 - 1), min_size=2, max_size=2), st.lists(NEAR, min_size=4, max_size=4))
def test_outputs_equal_scalar_float32(accumulators, numbers):
    policy = make_policy(decode_scale=vector(*numbers[:2]), decode_bias=vector(*numbers[2:]))
    values = codec.outputs(policy, np.array([accumulators], np.int32))
    assert values.dtype == np.float32 and values.shape == (1, 2)
    for index in range(2):
        product = np.float32(np.float32(accumulators[index]) * policy.decode_scale[index])
        assert values[0, index] == np.float32(product + policy.decode_bias[index])


def test_decode_argmax():
    values, actions = codec.decode(make_policy(), np.array([[0, 0], [4, 20], [-2, 4]], np.int32))
    assert values.tolist() == [[1, -1], [3, 4], [0, 0]]
    assert actions.dtype == np.int64 and actions.tolist() == [0, 1, 0]       # a tie goes to the first


@pytest.mark.parametrize("start", [1, -3, 2 ** 40])
def test_discrete_actions_count_from_the_start_of_their_space(start):
    policy = make_policy(action=ActionSpace("discrete", 2, start=start))
    values, actions = codec.decode(policy, np.array([[0, 0], [4, 20], [-2, 4]], np.int32))
    assert values.tolist() == [[1, -1], [3, 4], [0, 0]]
    assert actions.dtype == np.int64 and actions.tolist() == [start, start + 1, start]


def test_decode_clip():
    policy = box_policy(decode_scale=vector(0.5, 0.5), decode_bias=vector(0, 0))
    values, actions = codec.decode(policy, np.array([[1, 1], [40, 40], [-40, -40], [2, 8]], np.int32))
    assert values.tolist() == [[0.5, 0.5], [20, 20], [-20, -20], [1, 4]]
    assert actions.dtype == np.float32
    assert actions.tolist() == [[0.5, 0.5], [1, 4], [-1, 0], [1, 4]]


def test_decode_tanh():
    policy = box_policy(head="tanh", decode_scale=vector(0.25, 0.25), decode_bias=vector(0, 0))
    accumulators = np.array([[0, 0], [400, 400], [-400, -400], [4, -2]], np.int32)
    values, actions = codec.decode(policy, accumulators)
    assert values[3].tolist() == [1, -0.5]
    assert actions.dtype == np.float32
    assert actions[:3].tolist() == [[0, 2], [1, 4], [-1, 0]]
    assert actions[3].tolist() == pytest.approx([math.tanh(1), 2 + 2 * math.tanh(-0.5)], rel=1e-6)


@settings(max_examples=60, deadline=None)
@given(st.floats(-1e4, 1e4, width=32), st.floats(-1e4, 1e4, width=32), NEAR)
def test_tanh_never_leaves_the_box(first, second, value):
    low, high = sorted([first, second])
    actions = codec.act("tanh", ActionSpace("box", 0, (low,), (high,)), vector(value).reshape(1, 1))
    assert actions.dtype == np.float32 and low <= actions[0, 0] <= high
