import gymnasium as gym
import numpy as np
import pytest

from quarl.host.errors import UserError
from quarl.models.tasks.presets import algorithms, preset, schedule, tasks


def test_cartpole():
    settings = preset("ppo", "CartPole-v1")
    assert settings["net_arch"] == [64, 64] and settings["target_return"] == 500


@pytest.mark.parametrize(("algo", "task"), [(algo, task) for algo in algorithms() for task in tasks(algo)])
def test_every_preset_is_whole(algo, task):
    settings = preset(algo, task)
    if algo == "ppo":
        assert settings["n_envs"] * settings["n_steps"] % settings["batch_size"] == 0
    assert settings["eval_every"] <= settings["total_steps"] and settings["eval_every"] <= settings["checkpoint_every"]
    assert settings.get("learning_starts", 0) < settings["total_steps"]
    preset(algo, task, settings)          # every key is one that the defaults have too


def test_unknown_task_lists_the_known():
    with pytest.raises(UserError, match=r"the task must be one that ppo has a preset for: ALE/.*, Acrobot-v1, .*; or "
                                        r"its training must be described, found Pong\. Fix: give --steps, and other "
                                        r"settings as --set KEY=VALUE"):
        preset("ppo", "Pong")
    assert preset("ppo", "Pong", {"total_steps": 10})["n_steps"] == 32


@pytest.mark.parametrize("algo", ["ppo", "a2c", "dqn"])
def test_any_atari_game_has_the_settings_of_pixels(algo):
    pong = preset(algo, "ALE/Pong-v5")
    assert pong["total_steps"] == 10_000_000 and pong["norm_reward"] == "sign"
    for task in ("ALE/Freeway-v5", "FreewayNoFrameskip-v4"):
        assert preset(algo, task, {"total_steps": 10_000_000}) == pong
    with pytest.raises(UserError, match=r"found ALE/Freeway-v5\. Fix: give --steps"):
        preset(algo, "ALE/Freeway-v5")


def test_unknown_setting_names_the_nearest():
    with pytest.raises(UserError, match=r"a setting of dqn must be one of batch_size, .*, found bufer_size\. Fix: "
                                        r"write buffer_size\."):
        preset("dqn", "CartPole-v1", {"bufer_size": 5})


def test_unknown_algorithm_lists_the_known():
    assert "ppo" in algorithms()
    with pytest.raises(UserError, match=r"the algorithm must be one of .*ppo.*, found sarsa\. Fix: .*--algo"):
        preset("sarsa", "CartPole-v1")


def test_schedules():
    assert schedule(0.25) == 0.25
    line = schedule("lin_0.2")
    assert [line(left) for left in (1.0, 0.5, 0.0)] == pytest.approx([0.2, 0.1, 0.0])


def test_initial_weights_are_those_that_the_preset_asks_for():
    """Orthogonal rows unless it says otherwise: Acrobot's PPO does."""
    from stable_baselines3.common.vec_env import DummyVecEnv

    from quarl.models.sb3.algorithms import create
    for task, orthogonal in (("CartPole-v1", True), ("Acrobot-v1", False)):
        model = create("ppo", preset("ppo", task), DummyVecEnv([lambda task=task: gym.make(task)]), None, 0)
        weights = model.policy.deployed[0].weight.detach().numpy()
        gram = weights.T @ weights
        assert np.allclose(gram, gram[0, 0] * np.eye(len(gram)), atol=1e-4) == orthogonal


@pytest.mark.parametrize(("algo", "task", "fix"), [
    ("ppo", "Cartpole-v1", "did you mean CartPole-v1, or give --steps, and"),
    ("ppo", "CARTPOLE-V1", "did you mean CartPole-v1, or give --steps, and"),
    ("sac", "pendulum-v1", "did you mean Pendulum-v1, or give --steps, and"),
    ("ppo", "CartPoll-v1", "did you mean CartPole-v1, or give --steps, and"),
    ("sac", "CartPole-v1", "choose --algo a2c or dqn or ppo, or give --steps, and"),
    ("ppo", "Mine-v0", "give --steps, and")])
def test_a_task_without_preset_is_probably_another_or_for_another_algorithm(algo, task, fix):
    with pytest.raises(UserError) as caught:
        preset(algo, task)
    assert caught.value.fix.startswith(fix)


def test_a_setting_is_only_likened_to_one_that_is_like_it():
    with pytest.raises(UserError, match="Fix: write learning_rate"):
        preset("ppo", "CartPole-v1", {"learn_rate": 1})
    with pytest.raises(UserError, match="Fix: choose one of them"):
        preset("ppo", "CartPole-v1", {"engines": 1})
