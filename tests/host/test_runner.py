"""The closed loop on real Gymnasium environments, with the reference device and hand-made policies."""
import json

import numpy as np
import pytest

from host import codec, environment, runner
from host.device import Reply
from host.devices.integer import IntegerDevice
from host.errors import UserError
from host.policy import ActionSpace, Layer
from host.runlog import RunLog, records
from tests.host.helpers import make_policy, refused, vector


def cartpole_policy(**changes):
    """Push towards the side to which the pole leans and falls: balances it for hundreds of steps."""
    return make_policy(**{
        "task": "CartPole-v1", "input_bits": 8, "observation_shape": (4,), "encode_scale": vector(10, 20, 200, 40),
        "encode_offset": vector(0, 0, 0, 0), "layers": (Layer(np.array([[0, 0, -1, -1], [0, 0, 1, 1]], np.int8), 2),),
        "decode_scale": vector(1, 1), "decode_bias": vector(0, 0), **changes})


def pendulum_policy():
    """One hidden channel of two bits, and one clipped output."""
    layers = (Layer(np.array([[1, 1, 1]], np.int8), 2, np.array([[-5, 0, 5]], np.int32), 2),
              Layer(np.array([[1]], np.int8), 2))
    return make_policy(
        task="Pendulum-v1", observation_shape=(3,), action=ActionSpace("box", 0, (-2.0,), (2.0,)), head="clip",
        encode_scale=vector(4, 4, 1), encode_offset=vector(0, 0, 0), layers=layers,
        decode_scale=vector(2), decode_bias=vector(-3))


class Clocked(IntegerDevice):
    """The reference with a made-up latency, which counts what is asked of it."""

    name = "clocked"

    def __init__(self, policy, fail_at=None, error=KeyboardInterrupt):
        super().__init__(policy)
        self.steps, self.resets, self.fail_at, self.error = 0, 0, fail_at, error

    def step(self, codes):
        self.steps += 1
        if self.steps == self.fail_at:
            raise self.error
        assert codes.dtype == np.int8 and codes.shape == (self.policy.features,)
        return Reply(super().step(codes).accumulators, 20 + self.steps % 3)

    def reset(self):
        self.resets += 1

    def stats(self):
        return {"inferences": self.steps}


class Watched:
    """An environment that notes its seeds, actions and whether it was closed."""

    def __init__(self, env):
        self.env, self.seeds, self.actions, self.closed = env, [], [], False

    def __getattr__(self, name):
        return getattr(self.env, name)

    def reset(self, *, seed):
        self.seeds.append(seed)
        return self.env.reset(seed=seed)

    def step(self, action):
        self.actions.append(action)
        return self.env.step(action)

    def close(self):
        self.closed = True
        self.env.close()


@pytest.fixture
def watched(monkeypatch):
    """Every environment that the runner makes."""
    made, real = [], environment.make

    def make(task):
        made.append(Watched(real(task)))
        return made[-1]

    monkeypatch.setattr(environment, "make", make)
    return made


def play(path, policy=None, device=None, **options):
    """Summary and records of a run."""
    policy = policy or cartpole_policy()
    with device or IntegerDevice(policy) as device, RunLog(path) as log:
        summary = runner.run(policy, device, log, **options)
    return summary, list(records(path))


def of(kind, entries):
    return [entry for entry in entries if entry["type"] == kind]


def test_the_log_adds_up_to_the_summary(tmp_path):
    seen = []
    summary, log = play(tmp_path / "log", episodes=3, on_episode=lambda index, total: seen.append((index, total)))
    episodes, steps = of("episode", log), of("step", log)
    assert [entry["episode"] for entry in episodes] == [0, 1, 2]
    for episode in episodes:
        mine = [step for step in steps if step["episode"] == episode["episode"]]
        assert [step["step"] for step in mine] == list(range(episode["length"]))
        assert sum(step["reward"] for step in mine) == episode["return"] == episode["length"]
    returns = [episode["return"] for episode in episodes]
    assert seen == list(enumerate(returns))
    assert min(returns) > 60, "the hand-made policy balances the pole"
    assert summary["episodes"] == 3 and summary["steps"] == len(steps) == sum(returns)
    assert summary["return_mean"] == np.mean(returns) and summary["return_std"] == np.std(returns)
    assert (summary["return_min"], summary["return_max"]) == (min(returns), max(returns))
    assert summary["steps_per_s"] == pytest.approx(summary["steps"] / summary["wall_s"])


def test_order_of_the_log(tmp_path):
    summary, log = play(tmp_path / "log", episodes=2, max_steps=3)
    assert [entry["type"] for entry in log] == ["run", *["step"] * 3, "episode", *["step"] * 3, "episode", "summary"]
    assert log[-1] == {"type": "summary", **json.loads(json.dumps(summary))}
    assert log[0] == {"type": "run", "task": "CartPole-v1", "device": "integer", "policy": cartpole_policy().hash,
                      "episodes": 2, "seed": 0, "bits": {"input": 8, "layers": [[2, None]]}}


def test_times_of_the_parts(tmp_path):
    summary, log = play(tmp_path / "log", episodes=1, max_steps=20)
    steps = of("step", log)
    assert all(set(step["ns"]) == set(runner.PARTS) and min(step["ns"].values()) >= 0 for step in steps)
    assert sum(sum(step["ns"].values()) for step in steps) <= summary["wall_s"] * 1e9
    assert set(summary["latency_us"]) == {*runner.PARTS, "policy"}
    policy_us = [sum(step["ns"][part] for part in ("encode", "device", "decode")) / 1e3 for step in steps]
    for percent in (50, 90, 99):
        assert summary["latency_us"]["policy"][f"p{percent}"] == pytest.approx(np.percentile(policy_us, percent))
        assert summary["latency_us"]["env"][f"p{percent}"] == pytest.approx(
            np.percentile([step["ns"]["env"] / 1e3 for step in steps], percent))


def test_a_device_without_a_clock_has_no_cycles(tmp_path):
    summary, log = play(tmp_path / "log", episodes=1, max_steps=2, clock_mhz=100.0)
    assert not {"fpga_cycles", "fpga_us", "clock_mhz"} & set(summary)
    assert [step["cycles"] for step in of("step", log)] == [None, None]
    assert summary["device_stats"] == {} and summary["resources"] is None


def test_a_device_with_a_clock(tmp_path):
    device = Clocked(cartpole_policy())
    summary, log = play(tmp_path / "log", device=device, episodes=2, max_steps=6, clock_mhz=50.0,
                        resources={"lut": 7})
    assert [step["cycles"] for step in of("step", log)] == [21, 22, 20] * 4
    assert summary["fpga_cycles"] == {"min": 20, "p50": 21.0, "max": 22}
    assert (summary["fpga_us"], summary["clock_mhz"]) == (0.42, 50.0)
    assert summary["device"] == "clocked" and summary["device_stats"] == {"inferences": 12}
    assert summary["resources"] == {"lut": 7} and device.resets == 1


def test_cycles_without_a_known_clock(tmp_path):
    summary, _ = play(tmp_path / "log", device=Clocked(cartpole_policy()), episodes=1, max_steps=3)
    assert summary["fpga_cycles"]["max"] == 22 and "fpga_us" not in summary


def test_every_episode_has_a_fresh_seed(tmp_path, watched):
    for seed in (0, 1):
        _, log = play(tmp_path / "log", episodes=4, seed=seed, max_steps=1)
        assert [entry["seed"] for entry in of("episode", log)] == watched[-1].seeds
    seeds = watched[0].seeds + watched[1].seeds
    assert len(set(seeds)) == 8 and min(seeds) >= runner.FIRST_SEED
    assert all(env.closed for env in watched)


def test_the_same_seed_plays_the_same(tmp_path):
    def without_times(seed):
        _, log = play(tmp_path / "log", episodes=2, seed=seed, max_steps=50)
        return [(entry["action"], entry["reward"]) for entry in of("step", log)]

    assert without_times(3) == without_times(3) != without_times(4)


def test_actions_are_those_of_encode_reference_decode(tmp_path, watched):
    policy = pendulum_policy()
    _, log = play(tmp_path / "log", policy, episodes=1, seed=5, max_steps=30)
    with IntegerDevice(policy) as device:
        env = environment.make("Pendulum-v1")
        observation, _ = env.reset(seed=watched[0].seeds[0])
        for step in of("step", log):
            reply = device.step(codec.encode(policy, observation)[0])
            action = codec.decode(policy, reply.accumulators[None])[1][0]
            assert action.dtype == np.float32 and step["action"] == action.tolist()
            observation, reward, *_ = env.step(action)
            assert step["reward"] == float(reward)
    assert len({step["action"][0] for step in of("step", log)}) > 1, "a policy that does nothing shows nothing"


def test_max_steps_ends_an_episode(tmp_path):
    summary, log = play(tmp_path / "log", episodes=2, max_steps=5)
    assert summary["steps"] == 10 and [entry["length"] for entry in of("episode", log)] == [5, 5]


def test_an_episode_also_ends_when_the_environment_truncates_it(tmp_path):
    summary, _ = play(tmp_path / "log", pendulum_policy(), episodes=1)
    assert summary["steps"] == 200


def test_another_task_than_the_policys(tmp_path):
    summary, log = play(tmp_path / "log", episodes=1, max_steps=2, task="CartPole-v0")
    assert summary["task"] == log[0]["task"] == "CartPole-v0"


@pytest.mark.parametrize("episodes", [0, -1])
def test_no_episodes(tmp_path, watched, episodes):
    with refused(UserError, "the number of episodes must be at least 1", str(episodes), "pass --episodes 10"):
        play(tmp_path / "log", episodes=episodes)
    assert watched == []


def test_unknown_task(tmp_path):
    with pytest.raises(UserError) as caught:
        play(tmp_path / "log", task="CartPole-v7")
    assert caught.value.rule == "the task must be an installed Gymnasium environment"
    assert caught.value.found.startswith("CartPole-v7 (") and "CartPole-v1" in caught.value.fix


@pytest.mark.parametrize("task, rule", [
    ("Pendulum-v1", "the environment's observations must have the policy's shape (4,)"),
    ("MountainCar-v0", "the environment's observations must have the policy's shape (4,)")])
def test_observations_that_do_not_fit(tmp_path, watched, task, rule):
    device = Clocked(cartpole_policy())
    with refused(UserError, rule, str(environment.make(task).observation_space),
                 "use the task that the policy was trained on, CartPole-v1"):
        play(tmp_path / "log", device=device, task=task)
    assert device.steps == 0 and watched[-1].closed
    assert not (tmp_path / "log").exists()


def test_actions_that_do_not_fit(tmp_path, watched):
    policy = cartpole_policy(action=ActionSpace("box", 0, (0.0, 0.0), (1.0, 1.0)), head="clip")
    with refused(UserError, "the environment's actions must be the policy's (box of size 2)", "Discrete(2)",
                 "use the task that the policy was trained on, CartPole-v1"):
        play(tmp_path / "log", policy)
    assert watched[0].closed


@pytest.mark.parametrize("error", [KeyboardInterrupt, RuntimeError])
def test_a_run_that_breaks_off_keeps_its_whole_episodes(tmp_path, watched, error):
    policy = cartpole_policy()
    with pytest.raises(error):
        play(tmp_path / "log", policy, Clocked(policy, fail_at=9, error=error), episodes=5, max_steps=6)
    kinds = [entry["type"] for entry in records(tmp_path / "log")]
    assert kinds == ["run", *["step"] * 6, "episode", "step", "step"]
    assert watched[0].closed
