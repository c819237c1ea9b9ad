"""Stable-Baselines3 policies whose deployed path is quantised: one conversion for every algorithm.

The fp32 networks are built and initialised as Stable-Baselines3 does, with ReLU; then the layers that lead from
observations to actions become a :class:`QuantActor`. Critics, and the spread of SAC's actions, stay fp32: they are not
deployed.
"""
from __future__ import annotations

import abc
from collections.abc import Iterator, Sequence
from typing import Any

import torch
from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.policies import ActorCriticPolicy
from stable_baselines3.common.type_aliases import Schedule
from stable_baselines3.dqn.policies import DQNPolicy
from stable_baselines3.sac.policies import SACPolicy
from stable_baselines3.td3.policies import TD3Policy
from torch import Tensor, nn

from quarl.models.actors.bits import Bits
from quarl.models.actors.quantised import QuantActor


class _Quantised(nn.Module):
    """What the policies share. ``bits`` None leaves a policy in fp32."""

    bits: Bits | None
    actor_class: type[QuantActor] = QuantActor

    def __init__(self, *args: Any, bits: Bits | None = None, **kwargs: Any):
        self.bits = None
        self._asked = bits
        kwargs.setdefault("activation_fn", nn.ReLU)
        super().__init__(*args, **kwargs)

    def _build(self, lr_schedule: Schedule) -> None:
        super()._build(lr_schedule)
        if self._asked is not None:
            self.quantise(self._asked)

    def _get_constructor_parameters(self) -> dict[str, Any]:
        return {**super()._get_constructor_parameters(), "bits": self.bits}

    @property
    def deployed(self) -> nn.Sequential:
        """What is deployed, normalised observations to outputs: a :class:`QuantActor`, or the fp32 layers."""
        return self._network(self._owners()[0])

    def quantise(self, bits: Bits) -> None:
        """Quantise the deployed path of an fp32 policy, and of its target network, keeping weights and moments.

        The optimiser gets the parameters in the order that a policy has which was quantised from the start, so that
        both are saved and loaded alike.
        """
        renewed: dict[Tensor, Tensor] = {}
        for index, owner in enumerate(self._owners()):
            layers = [m for m in self._network(owner) if isinstance(m, (nn.Linear, nn.Conv2d))]
            actor = self.actor_class.from_float(self._network(owner), bits).to(layers[0].weight.device)
            for old, new in zip(layers, actor.linears, strict=True):
                renewed |= {old.weight: new.weight, old.bias: new.bias}
            # A target network is only read, without gradient: by the training forward, which needs no deployment.
            actor.train(index > 0 or owner.training)
            self._replace(owner, actor)
        self.bits = bits
        self._renew_optimiser(renewed)

    def _renew_optimiser(self, renewed: dict[Tensor, Tensor]) -> None:
        holder, module = self._optimised()
        old = holder.optimizer
        holder.optimizer = self.optimizer_class(list(module.parameters()), lr=old.param_groups[0]["lr"],
                                                **self.optimizer_kwargs)
        for parameter, state in old.state.items():
            holder.optimizer.state[renewed.get(parameter, parameter)] = state

    def _optimised(self) -> tuple[Any, nn.Module]:
        """Who holds the optimiser that moves the deployed path, and the module whose parameters it moves."""
        owner = self._owners()[0]
        return owner, owner

    @abc.abstractmethod
    def _owners(self) -> Sequence[Any]:
        """The modules that hold a deployed path: the policy's own first, then the target's."""

    @abc.abstractmethod
    def _network(self, owner: Any) -> nn.Sequential:
        """The deployed path that ``owner`` holds."""

    @abc.abstractmethod
    def _replace(self, owner: Any, actor: QuantActor) -> None:
        """Put ``actor`` in the place of the fp32 path."""


class QuantActorCriticPolicy(_Quantised, ActorCriticPolicy):
    """PPO and A2C: the actor's layers, the last one included."""

    _all_parameters: list[nn.Parameter] | None = None

    def _owners(self) -> Sequence[Any]:
        return [self]

    def _network(self, owner: Any) -> nn.Sequential:
        layers = self.mlp_extractor.policy_net
        return layers if self.bits is not None else nn.Sequential(*layers, self.action_net)

    def _replace(self, owner: Any, actor: QuantActor) -> None:
        self.mlp_extractor.policy_net = actor
        self.action_net: nn.Module = nn.Identity()
        self._remember_parameters()

    def _remember_parameters(self) -> None:
        self._all_parameters = list(super().parameters())

    def parameters(self, recurse: bool = True) -> Iterator[nn.Parameter]:
        """As ``nn.Module.parameters``, but remembered: each PPO update asks, and Brevitas' module tree is deep."""
        return super().parameters(recurse) if self._all_parameters is None else iter(self._all_parameters)


class QuantDQNPolicy(_Quantised, DQNPolicy):
    """DQN: the whole network, whose outputs are the actions' values."""

    def _owners(self) -> Sequence[Any]:
        return [self.q_net, self.q_net_target]

    def _network(self, owner: Any) -> nn.Sequential:
        return owner.q_net

    def _replace(self, owner: Any, actor: QuantActor) -> None:
        owner.q_net = actor

    def _optimised(self) -> tuple[Any, nn.Module]:
        return self, self.q_net


class QuantTD3Policy(_Quantised, TD3Policy):
    """TD3 and DDPG: the actor; the tanh that squashes its outputs is the host's."""

    def _owners(self) -> Sequence[Any]:
        return [self.actor, self.actor_target]

    def _network(self, owner: Any) -> nn.Sequential:
        return owner.mu[0] if self.bits is not None else owner.mu[:-1]

    def _replace(self, owner: Any, actor: QuantActor) -> None:
        owner.mu = nn.Sequential(actor, nn.Tanh())


class Hidden(nn.Module):
    """The hidden layers of ``actor``, where another layer than its last reads them too: SAC's spread, for one."""

    def __init__(self, actor: QuantActor):
        super().__init__()
        self.actor = actor

    def forward(self, x: Tensor) -> Tensor:
        return self.actor.hidden(x)


class Output(nn.Module):
    """The last layer of ``actor``, which another module holds."""

    def __init__(self, actor: QuantActor):
        super().__init__()
        self._actor = (actor,)

    def forward(self, x: Tensor) -> Tensor:
        return self._actor[0].output(x)


class QuantSACPolicy(_Quantised, SACPolicy):
    """SAC: the path to the mean of the actions; the tanh that squashes them is the host's."""

    def _owners(self) -> Sequence[Any]:
        return [self.actor]

    def _network(self, owner: Any) -> nn.Sequential:
        return owner.latent_pi.actor if self.bits is not None else nn.Sequential(*owner.latent_pi, owner.mu)

    def _replace(self, owner: Any, actor: QuantActor) -> None:
        owner.latent_pi, owner.mu = Hidden(actor), Output(actor)


def convert(model: BaseAlgorithm, bits: Bits, limits: Sequence[float] | None = None) -> None:
    """Quantise the deployed path of a live fp32 ``model`` in place, so that it saves and loads as any quantised one.

    ``limits`` are where the hidden activations saturate, one a layer; without them they start as in a new policy.
    """
    model.policy.quantise(bits)
    model.policy_kwargs = {**model.policy_kwargs, "bits": bits}
    if limits is not None:
        set_limits(model.policy.deployed, limits)


@torch.no_grad()
def set_limits(actor: QuantActor, limits: Sequence[float]) -> None:
    """Let the hidden activations of ``actor`` saturate at ``limits``, one a layer."""
    for activation, limit in zip(actor.activations, limits, strict=True):
        next(activation.parameters()).fill_(limit)
