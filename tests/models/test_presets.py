import pytest

from host.errors import UserError
from models.presets import algorithms, preset, schedule, tasks


def test_cartpole():
    settings = preset("ppo", "CartPole-v1")
    assert settings["net_arch"] == [64, 64] and settings["target_return"] == 500


@pytest.mark.parametrize("task", tasks("ppo"))
def test_every_preset_fills_its_batches(task):
    settings = preset("ppo", task)
    assert settings["n_envs"] * settings["n_steps"] % settings["batch_size"] == 0
    assert settings["eval_every"] <= settings["total_steps"]


def test_unknown_task_lists_the_known():
    with pytest.raises(UserError, match=r"the task must be one that ppo has a preset for: Acrobot-v1, CartPole-v1, .*, "
                                        r"found Pong\. Fix: choose one with --task, or add it"):
        preset("ppo", "Pong")


def test_unknown_algorithm_lists_the_known():
    assert "ppo" in algorithms()
    with pytest.raises(UserError, match=r"the algorithm must be one of .*ppo.*, found sarsa\. Fix: .*--algo"):
        preset("sarsa", "CartPole-v1")


def test_schedules():
    assert schedule(0.25) == 0.25
    line = schedule("lin_0.2")
    assert [line(left) for left in (1.0, 0.5, 0.0)] == pytest.approx([0.2, 0.1, 0.0])
