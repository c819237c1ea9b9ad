"""Discrete actions that do not start at 0: the same ones in training, evaluation, export and the closed loop."""
import gymnasium as gym
import numpy as np
import pytest
from gymnasium import spaces
from stable_baselines3.common.vec_env import DummyVecEnv

from quarl.host import policy
from quarl.host.devices.integer import IntegerDevice
from quarl.host.environments.seeds import EVALUATION, episode_seeds
from quarl.host.loop.predictor import Predictor
from quarl.models.actors.bits import Bits
from quarl.models.export.package import export_run
from quarl.models.play.evaluate import evaluate
from quarl.models.play.observations import visited_observations
from quarl.models.runs import normaliser_file
from quarl.models.runs.run_folder import load_run
from quarl.models.tasks.normalise import FoldedVecNormalize
from quarl.models.tasks.vec_env import MonitoredVecEnv, task_actions
from quarl.models.training.train import TrainConfig, train

LENGTH = 10
SMALL = {"n_envs": 1, "eval_episodes": 2, "net_arch": [8], "eval_every": 150, "checkpoint_every": 150}
ROLLOUTS = {**SMALL, "n_steps": 50}
ALGORITHMS = {"ppo": {**ROLLOUTS, "batch_size": 25}, "a2c": ROLLOUTS,
              "dqn": {**SMALL, "learning_starts": 40, "buffer_size": 500}}
performed: set[int] = set()


class Levels(gym.Env):
    """Three levels from ``start`` on; the reward is the level itself, and any other action is refused."""

    def __init__(self, start, **_):
        self.observation_space, self.action_space = spaces.Box(-9, 9, (2,)), spaces.Discrete(3, start=start)

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.steps = 0
        return self.np_random.normal(size=2).astype(np.float32), {}

    def step(self, action):
        if not self.action_space.contains(action):
            raise ValueError(f"{action!r} is not in {self.action_space}")
        performed.add(int(action))
        self.steps += 1
        return self.np_random.normal(size=2).astype(np.float32), float(action), self.steps == LENGTH, False, {}


@pytest.fixture(autouse=True)
def tasks(monkeypatch):
    registry = gym.envs.registration.registry
    for start in (1, -2, 7):
        task = f"Levels{start % 10}-v0"
        monkeypatch.setitem(registry, task, gym.envs.registration.EnvSpec(task, Levels, kwargs={"start": start}))
    performed.clear()


@pytest.mark.parametrize("algo, start", [("ppo", 1), ("a2c", -2), ("dqn", 7), ("dqn", -2), ("ppo", 7)])
def test_one_action_is_the_same_everywhere(tmp_path, algo, start):
    task, space = f"Levels{start % 10}-v0", {start, start + 1, start + 2}
    for steps in (150, 300):
        config = TrainConfig(task, tmp_path / str(steps), algo, Bits(4, 4, 8), steps=steps, settings=ALGORITHMS[algo])
        train(config)
    assert performed == space                    # whatever is drawn at random, and by whom

    run = load_run(tmp_path / "300")
    assert (run.action.n, run.action.start) == (3, start)
    assert len(visited_observations(run, 200)) == 200 and performed == space
    returns = evaluate(run, 3, backend="torch")
    assert np.array_equal(returns, evaluate(run, 3, backend="integer")) and (returns >= LENGTH * start).all()

    packed = policy.read(export_run(tmp_path / "300"))
    assert packed.action == run.action
    with IntegerDevice(packed) as device:
        assert np.array_equal(returns, evaluate(run, 3, backend=device))
        env, total = gym.make(task), 0.0
        observation, over = env.reset(seed=int(episode_seeds(EVALUATION, 0, 1)[0]))[0], False
        while not over:
            observation, reward, over, _, _ = env.step(Predictor(device).predict(observation)[0])
            total += reward
        assert total == returns[0]


def test_training_goes_on_with_the_same_actions(tmp_path, monkeypatch):
    config = TrainConfig("Levels1-v0", tmp_path / "cut", "dqn", Bits(4, 4, 8), steps=400, settings=ALGORITHMS["dqn"])
    with monkeypatch.context() as patch:
        patch.setattr("quarl.models.training.supervisor.Supervisor._on_training_end", lambda _: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            train(config)
    performed.clear()
    train(config)
    assert performed == {1, 2, 3} and load_run(tmp_path / "cut").action.start == 1


@pytest.mark.parametrize("start", [1, -2, 7])
def test_environments_take_actions_from_0_and_tell_their_own(start):
    venv = MonitoredVecEnv([lambda: gym.make(f"Levels{start % 10}-v0")] * 3)
    assert venv.action_space == spaces.Discrete(3) and task_actions(venv) == spaces.Discrete(3, start=start)
    venv.reset()
    _, rewards, _, _ = venv.step(np.array([2, 0, 1]))
    assert rewards.tolist() == [start + 2, start, start + 1]
    with pytest.raises(ValueError, match=f"{start + 3}.* is not in"):
        venv.step(np.array([0, 3, 0]))


def test_a_normaliser_is_of_one_start():
    data = normaliser_file.dump(FoldedVecNormalize(MonitoredVecEnv([lambda: gym.make("Levels1-v0")])))
    alone = normaliser_file.load(data)
    assert alone.action_space == spaces.Discrete(3) and task_actions(alone) == spaces.Discrete(3, start=1)
    with pytest.raises(ValueError, match=r"actions Discrete\(3, start=1\), and of the task .*Discrete\(3, start=7\)"):
        normaliser_file.load(data, DummyVecEnv([lambda: gym.make("Levels7-v0")]))
