"""Stable-Baselines3 policies of pixels: convolutions in the deployed path.

Actor and critic of PPO and A2C share all hidden layers, as the zoo's Atari policies do: convolutions take most of the
time, and a critic with its own would double it. What the critic reads is thus quantised, its last layer is not.
"""
from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from gymnasium import spaces
from torch import nn

from quarl.host.errors import UserError
from quarl.models.actors import convolutional
from quarl.models.actors.convolutional import QuantConvActor
from quarl.models.actors.quantised import QuantActor
from quarl.models.sb3.policies import Hidden, Output, QuantActorCriticPolicy, QuantDQNPolicy

_FIX = "use, for example, --set 'net_arch={conv: [[16, 8, 4], [32, 4, 2]], dense: [128]}'"


class PixelFeatures(nn.Sequential):
    """The fp32 hidden layers: convolutions ``conv`` of (channels, kernel, stride) each, then ``dense`` sizes."""

    def __init__(self, observation_space: spaces.Box, conv: Sequence[Sequence[int]], dense: Sequence[int]):
        super().__init__(*convolutional.layers(observation_space.shape, conv, dense, nn.ReLU, nn.Conv2d, nn.Linear))
        self.features_dim = dense[-1]


class PixelActorCriticPolicy(QuantActorCriticPolicy):
    """PPO and A2C on pixels."""

    actor_class = QuantConvActor

    def _network(self, owner: Any) -> nn.Sequential:
        hidden = self.features_extractor
        return hidden.actor if self.bits is not None else nn.Sequential(*hidden, self.action_net)

    def _replace(self, owner: Any, actor: QuantActor) -> None:
        self.features_extractor = self.pi_features_extractor = self.vf_features_extractor = Hidden(actor)
        self.action_net = Output(actor)
        self._remember_parameters()


class PixelDQNPolicy(QuantDQNPolicy):
    """DQN on pixels."""

    actor_class = QuantConvActor

    def _network(self, owner: Any) -> nn.Sequential:
        return owner.q_net if self.bits is not None else nn.Sequential(*owner.features_extractor, *owner.q_net)

    def _replace(self, owner: Any, actor: QuantActor) -> None:
        owner.features_extractor, owner.q_net = nn.Identity(), actor


def policy_arguments(net_arch: Any) -> dict[str, Any]:
    """Stable-Baselines3's arguments for a policy of pixels, which are divided by 255 in the deployed path itself.

    Raises :class:`UserError` where ``net_arch`` is not of the form that :class:`PixelFeatures` takes.
    """
    check_architecture(net_arch)
    return {"net_arch": [], "features_extractor_class": PixelFeatures, "features_extractor_kwargs": dict(net_arch),
            "normalize_images": False}


def check_architecture(net_arch: Any) -> None:
    """Raise :class:`UserError` where ``net_arch`` is not ``{conv: [[channels, kernel, stride], …], dense: [size, …]}``.
    """
    fits = isinstance(net_arch, Mapping) and set(net_arch) == {"conv", "dense"} and all(
        isinstance(part, Sequence) and len(part) > 0 for part in net_arch.values())
    sizes = [*net_arch["dense"], *(size for each in net_arch["conv"] for size in _triple(each))] if fits else [None]
    if not all(type(size) is int and size > 0 for size in sizes):
        raise UserError("the net_arch of pixels must be {conv: [[channels, kernel, stride], …], dense: [size, …]} with "
                        "one of each or more", net_arch, _FIX)


def _triple(value: Any) -> Sequence[Any]:
    return value if isinstance(value, Sequence) and len(value) == 3 else [None]
