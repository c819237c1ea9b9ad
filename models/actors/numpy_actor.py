"""The deployed path in numpy: for batches as small as a rollout's, a torch operation costs more than its arithmetic."""
from __future__ import annotations

import dataclasses

import numpy as np
from torch import Tensor, nn

from quarl.host.content import Content
from quarl.host.errors import UserError
from quarl.models.actors.quantised import QuantActor


@dataclasses.dataclass(frozen=True, eq=False)
class _Layer(Content):
    """``weights`` [in, out], contiguous; the rest as in :class:`quarl.models.actors.quantised.Stage`."""

    weights: np.ndarray
    scale: np.ndarray
    bias: np.ndarray
    act_scale: np.ndarray
    act_max: np.float32


class IntegerActor:
    """A copy of a :class:`QuantActor` as it is now: float32 observations [N, n] to float32 outputs [N, out].

    Codes are whole numbers, weights too, and sums are exact; the float32 operations between them are those of
    ``quantised.Stage``, in its order. So the codes and the outputs equal the deployed torch actor's, bit for
    bit.
    """

    def __init__(self, actor: QuantActor):
        self._unit = np.float32(actor.input_scale)
        self._top = np.float32(2 ** (actor.bits.input - 1) - 1)
        stages = actor.stages()
        self._layers = [_Layer(_matrix(stage.weights), _array(stage.scale), _array(stage.bias),
                               _array(stage.act_scale) if stage.act_scale is not None else np.ones((), np.float32),
                               np.float32(stage.act_max)) for stage in stages]

    def __call__(self, observations: np.ndarray) -> np.ndarray:
        """Outputs of normalised observations."""
        x = np.rint(np.asarray(observations, np.float32) / self._unit)
        np.minimum(np.maximum(x, -1 - self._top, out=x), self._top, out=x)
        *hidden, last = self._layers
        for layer in hidden:
            x = _preactivation(layer, x)
            np.maximum(x, 0, out=x)
            x /= layer.act_scale
            np.minimum(np.rint(x, out=x), layer.act_max, out=x)
        return _preactivation(last, x)


class FloatActor:
    """A copy of an fp32 ``Linear, [ReLU, Linear]*`` as it is now: float32 observations [N, n] to outputs [N, out].

    Raises :class:`UserError` for any other module.
    """

    def __init__(self, network: nn.Sequential):
        for index, module in enumerate(network):
            if not isinstance(module, nn.ReLU if index % 2 else nn.Linear):
                raise UserError("a policy network must alternate Linear and ReLU, Linear first",
                                type(module).__name__, "use a multi-layer perceptron")
        self._layers = [(_matrix(m.weight), _array(m.bias)) for m in network if isinstance(m, nn.Linear)]

    def __call__(self, observations: np.ndarray) -> np.ndarray:
        """Outputs of normalised observations."""
        x = np.asarray(observations, np.float32)
        for index, (weights, bias) in enumerate(self._layers):
            if index:
                np.maximum(x, 0, out=x)
            x = x @ weights
            x += bias
        return x


def numpy_actor(network: nn.Sequential) -> IntegerActor | FloatActor:
    """A copy of a policy's deployed path, whichever it is."""
    return IntegerActor(network) if isinstance(network, QuantActor) else FloatActor(network)


def _preactivation(layer: _Layer, codes: np.ndarray) -> np.ndarray:
    x = (codes.astype(layer.weights.dtype, copy=False) @ layer.weights).astype(np.float32, copy=False)
    x *= layer.scale
    x += layer.bias
    return x


def _array(values: Tensor) -> np.ndarray:
    return values.detach().cpu().numpy().copy()


def _matrix(weights: Tensor) -> np.ndarray:
    return np.ascontiguousarray(_array(weights).T)
