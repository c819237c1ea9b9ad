"""Observation to input codes, and accumulators to action: the two float steps around the integer program."""
from __future__ import annotations

from typing import Any, Tuple

import numpy as np

from quarl.host.errors import UserError
from quarl.host.policy import ActionSpace, Policy


def flatten(policy: Policy, observation: Any) -> np.ndarray:
    """One observation, or a batch of them, as float32 [N, features]. Raises :class:`UserError`."""
    try:
        with np.errstate(over="ignore"):          # a float64 beyond float32 becomes inf, which is refused below
            array = np.asarray(observation, dtype=np.float32)
    except (TypeError, ValueError) as error:
        raise UserError("an observation must be numbers of shape %s" % (policy.observation_shape,), error,
                        "pass what the environment %s returns" % policy.task) from error
    flat = _rows(policy, array)
    require_finite(flat)
    return flat


def require_finite(flat: np.ndarray) -> None:
    """Raise :class:`UserError` where observations, float32 [N, features], have a number that is not finite."""
    if not np.isfinite(flat).all():
        row, feature = np.argwhere(~np.isfinite(flat))[0]
        raise UserError("an observation must be finite", "%s in feature %d" % (flat[row, feature], feature),
                        "check the environment or the sensor that feeds the policy")


def _rows(policy: Policy, array: np.ndarray) -> np.ndarray:
    """``array``, one observation or a batch, as [N, features]."""
    shape = policy.observation_shape
    if array.shape != shape and array.shape[1:] != shape:
        raise UserError("an observation must have the shape %s" % (shape,), "shape %s" % (array.shape,),
                        "use the task that the policy was trained on, %s" % policy.task)
    return array.reshape(-1, policy.features)


def _pixels(policy: Policy, observation: Any) -> np.ndarray:
    """Pixels as they are, uint8 [N, features]."""
    array = np.asarray(observation)
    if array.dtype != np.uint8:
        raise UserError("pixels must be uint8", array.dtype, "pass what the environment %s returns" % policy.task)
    return _rows(policy, array)


def encode(policy: Policy, observation: Any) -> np.ndarray:
    """Input codes int8 [N, features]: ``clip(rint(observation * a + b))``; pixels are their own codes, uint8.

    The product and the sum are rounded to float32 one after the other, so that C without contraction gives the same.
    Raises :class:`UserError` for an observation of another shape, one that is not finite, or pixels that are not uint8.
    """
    if policy.pixels:
        return _pixels(policy, observation)
    flat = flatten(policy, observation)
    low, high = policy.input_range
    with np.errstate(over="ignore"):              # a huge observation saturates: that is what clip is for
        scaled = flat * policy.encode_scale
        scaled += policy.encode_offset
    np.rint(scaled, out=scaled)
    np.minimum(scaled, high, out=scaled)          # several times faster than np.clip on a single observation
    np.maximum(scaled, low, out=scaled)
    return scaled.astype(np.int8)


def outputs(policy: Policy, accumulators: np.ndarray) -> np.ndarray:
    """Float outputs, float32 [N, out]: ``acc * scale + bias``, each operation rounded to float32."""
    values: np.ndarray = accumulators.astype(np.float32)
    values *= policy.decode_scale
    values += policy.decode_bias
    return values


def decode(policy: Policy, accumulators: np.ndarray) -> Tuple[np.ndarray, np.ndarray]:
    """Outputs float32 [N, out] and actions: int64 [N] for a discrete space, float32 [N, out] for a box."""
    values = outputs(policy, accumulators)
    return values, act(policy.head, policy.action, values)


def act(head: str, action: ActionSpace, values: np.ndarray) -> np.ndarray:
    """Actions from float outputs [N, out]: the largest one's, clipped to the box, or squashed into it."""
    if head == "argmax":
        return values.argmax(axis=1) + action.start
    low, high = np.asarray(action.low, np.float32), np.asarray(action.high, np.float32)
    if head == "tanh":
        values = low + np.float32(0.5) * (np.tanh(values) + np.float32(1)) * (high - low)
    return np.clip(values, low, high)
