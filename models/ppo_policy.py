"""Stable-Baselines3 policies with a quantised actor."""
from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from stable_baselines3.common.policies import ActorCriticPolicy
from stable_baselines3.common.type_aliases import Schedule
from torch import nn

from models.actor import QuantActor
from models.bits import Bits


class QuantActorCriticPolicy(ActorCriticPolicy):
    """``ActorCriticPolicy`` whose deployed path is a :class:`QuantActor`; the critic stays fp32.

    The fp32 networks are built and initialised as Stable-Baselines3 does, with ReLU, then the actor's layers, the
    last one included, become the quantised actor. ``bits`` None leaves the policy in fp32.
    """

    def __init__(self, *args: Any, bits: Bits | None = None, **kwargs: Any):
        self.bits = bits
        self._all_parameters: list[nn.Parameter] | None = None
        kwargs.setdefault("activation_fn", nn.ReLU)
        super().__init__(*args, **kwargs)

    def _build(self, lr_schedule: Schedule) -> None:
        super()._build(lr_schedule)
        if self.bits is None:
            return
        network = nn.Sequential(*self.mlp_extractor.policy_net, self.action_net)
        self.mlp_extractor.policy_net = QuantActor.from_float(network, self.bits)
        self.action_net: nn.Module = nn.Identity()
        self._all_parameters = list(self.parameters())
        self.optimizer = self.optimizer_class(self._all_parameters, lr=lr_schedule(1), **self.optimizer_kwargs)

    def parameters(self, recurse: bool = True) -> Iterator[nn.Parameter]:
        """As ``nn.Module.parameters``, but remembered: each PPO update asks, and Brevitas' module tree is deep."""
        return super().parameters(recurse) if self._all_parameters is None else iter(self._all_parameters)

    def _get_constructor_parameters(self) -> dict[str, Any]:
        return {**super()._get_constructor_parameters(), "bits": self.bits}

    @property
    def actor(self) -> nn.Sequential:
        """What is deployed, normalised observations to outputs: a :class:`QuantActor`, or the fp32 layers."""
        if self.bits is not None:
            return self.mlp_extractor.policy_net
        return nn.Sequential(*self.mlp_extractor.policy_net, self.action_net)
