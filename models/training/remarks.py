"""What a training says beside its progress, a line each."""
from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from quarl.models.tasks.normalise import FoldedVecNormalize

_NAMED = 8        # features that a line names
_SPOKEN = 1.01    # times the steps asked for, above which more steps are worth a line


def rounded_up(settings: Mapping[str, Any]) -> list[str]:
    """Of more steps than were asked for, since training goes on by whole rollouts."""
    name = "n_steps" if "n_steps" in settings else "train_freq"
    rollout, total = settings[name] * settings["n_envs"], settings["total_steps"]
    taken = -(-total // rollout) * rollout
    if taken <= _SPOKEN * total:
        return []
    return [f"{taken} steps are trained for the {total} asked for: training goes on by {rollout} at a time, {name} "
            f"{settings[name]} x n_envs {settings['n_envs']}"]


def reached(settings: Mapping[str, Any], evaluation: Mapping[str, Any]) -> str:
    """Of a training that ended at its target, with its last ``evaluation``."""
    return (f"the target return {settings['target_return']:g} is reached, and confirmed over {evaluation['episodes']} "
            f"episodes: training ends after {evaluation['timesteps']} of {settings['total_steps']} steps")


def constants(normaliser: FoldedVecNormalize) -> list[str]:
    """Of features that never changed, and would saturate the policy's input once they do."""
    found = normaliser.constant_features()
    if not found:
        return []
    names = ", ".join(map(str, found[:_NAMED])) + (f" and {len(found) - _NAMED} more" if found[_NAMED:] else "")
    scale = float(normaliser.fold()[0][found].max())
    return [f"warning: of the observation, feature {names} never changed in training: its scale is {scale:.1e} codes a "
            "unit, so that the least change on a sensor saturates; leave it out, or vary it in training"]
