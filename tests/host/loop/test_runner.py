"""The closed loop on real Gymnasium environments, with the reference device and hand-made policies."""
import json

import numpy as np
import pytest

from quarl.host.devices.integer import IntegerDevice
from quarl.host.environments import environment
from quarl.host.environments.seeds import EVALUATION, episode_seeds
from quarl.host.errors import ToolError, UserError
from quarl.host.log.meter import PARTS
from quarl.host.log.observer import Observer
from quarl.host.log.run_log import parts, records
from quarl.host.policy import ActionSpace, codec
from tests.host.helpers import refused
from tests.host.loop.closed_loop import Clocked, cartpole_policy, of, pendulum_policy, play

LOCAL = set(PARTS) - {"network"}


class Watched:
    """An environment that notes its seeds and whether it was closed, and at step ``bad_at`` returns ``bad``."""

    def __init__(self, env, bad_at=None, bad=None):
        self.env, self.seeds, self.steps, self.closed = env, [], 0, False
        self.bad_at, self.bad = bad_at, bad

    def __getattr__(self, name):
        return getattr(self.env, name)

    def reset(self, *, seed):
        self.seeds.append(seed)
        return self.env.reset(seed=seed)

    def step(self, action):
        self.steps += 1
        found = self.env.step(action)
        return self.bad(*found) if self.steps == self.bad_at else found

    def close(self):
        self.closed = True
        self.env.close()


class Made(list):
    """Environments that were made, and how they go bad."""

    bad_at = bad = None


@pytest.fixture
def watched(monkeypatch):
    """Every environment that the runner makes."""
    made, real = Made(), environment.make

    def make(task):
        made.append(Watched(real(task), made.bad_at, made.bad))
        return made[-1]

    monkeypatch.setattr(environment, "make", make)
    return made


def test_the_log_adds_up_to_the_summary(tmp_path):
    summary, log = play(tmp_path / "log", episodes=3)
    episodes, steps = of("episode", log), of("step", log)
    assert [entry["episode"] for entry in episodes] == [0, 1, 2]
    for episode in episodes:
        mine = [step for step in steps if step["episode"] == episode["episode"]]
        assert [step["step"] for step in mine] == list(range(episode["length"]))
        assert sum(step["reward"] for step in mine) == episode["return"] == episode["length"]
    returns = [episode["return"] for episode in episodes]
    assert min(returns) > 60, "the hand-made policy balances the pole"
    assert summary["episodes"] == 3 and summary["steps"] == len(steps) == sum(returns)
    assert summary["return_mean"] == np.mean(returns) and summary["return_std"] == np.std(returns)
    assert (summary["return_min"], summary["return_max"]) == (min(returns), max(returns))
    assert summary["steps_per_s"] == pytest.approx(summary["steps"] / summary["wall_s"])


def test_order_of_the_log(tmp_path):
    summary, log = play(tmp_path / "log", episodes=2, max_steps=3)
    assert [entry["type"] for entry in log] == ["run", *["step"] * 3, "episode", *["step"] * 3, "episode", "summary"]
    assert log[-1] == {"type": "summary", **json.loads(json.dumps(summary))}
    assert log[0] == {"type": "run", "task": "CartPole-v1", "environment": None, "device": "integer",
                      "policy": cartpole_policy().hash, "episodes": 2, "seed": 0, "max_steps": 3, "envs": 1, "hz": None,
                      "shadow": 0.0, "accelerator": None, "bits": {"input": 8, "layers": [[2, None]]}}


def test_times_of_the_parts(tmp_path):
    summary, log = play(tmp_path / "log", episodes=1, max_steps=20)
    steps = of("step", log)
    assert all(set(step["ns"]) == LOCAL and min(step["ns"].values()) >= 0 for step in steps)
    assert sum(sum(step["ns"].values()) for step in steps) <= summary["wall_s"] * 1e9
    assert set(summary["latency_us"]) == {*LOCAL, "policy"}
    policy_us = [sum(step["ns"][part] for part in ("encode", "device", "decode")) / 1e3 for step in steps]
    for percent in (50, 90, 99):
        assert summary["latency_us"]["policy"][f"p{percent}"] == pytest.approx(np.percentile(policy_us, percent))
        assert summary["latency_us"]["env"][f"p{percent}"] == pytest.approx(
            np.percentile([step["ns"]["env"] / 1e3 for step in steps], percent))


def test_a_device_without_a_clock_has_no_cycles(tmp_path):
    summary, log = play(tmp_path / "log", episodes=1, max_steps=2, clock_mhz=100.0, resources={"lut": 7})
    assert not {"fpga_cycles", "fpga_us", "clock_mhz"} & set(summary)
    assert [step["cycles"] for step in of("step", log)] == [None, None]
    assert summary["device_stats"] == {"inferences": 2, "step": "c"} and summary["resources"] is None


def test_a_device_with_a_clock(tmp_path):
    device = Clocked(cartpole_policy())
    summary, log = play(tmp_path / "log", device=device, episodes=2, max_steps=6, clock_mhz=50.0,
                        resources={"lut": 7})
    assert [step["cycles"] for step in of("step", log)] == [21, 22, 20] * 4
    assert summary["fpga_cycles"] == {"min": 20, "p50": 21.0, "max": 22}
    assert (summary["fpga_us"], summary["clock_mhz"]) == (0.42, 50.0)
    assert summary["device"] == "clocked" and summary["device_stats"]["inferences"] == 12
    assert summary["resources"] == {"lut": 7} and device.resets == 1


def test_cycles_without_a_known_clock(tmp_path):
    summary, _ = play(tmp_path / "log", device=Clocked(cartpole_policy()), episodes=1, max_steps=3)
    assert summary["fpga_cycles"]["max"] == 22 and "fpga_us" not in summary


def test_every_episode_has_a_fresh_seed(tmp_path, watched):
    for seed in (0, 1):
        _, log = play(tmp_path / "log", episodes=4, seed=seed, max_steps=1)
        assert [entry["seed"] for entry in of("episode", log)] == watched[-1].seeds
    seeds = watched[0].seeds + watched[1].seeds
    assert len(set(seeds)) == 8 and min(seeds) >= 1_000_000, "training draws its seeds from 0 upwards"
    assert seeds == [each for seed in (0, 1) for each in episode_seeds(EVALUATION, seed, 4)], "as `evaluate` plays"
    assert all(env.closed for env in watched)


def test_the_same_seed_plays_the_same(tmp_path):
    def without_times(seed):
        _, log = play(tmp_path / "log", episodes=2, seed=seed, max_steps=50)
        return [(entry["action"], entry["reward"]) for entry in of("step", log)]

    assert without_times(3) == without_times(3) != without_times(4)


def test_actions_are_those_of_encode_reference_decode(tmp_path, watched):
    policy = pendulum_policy()
    _, log = play(tmp_path / "log", policy, episodes=1, seed=1, max_steps=30)
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


def test_time_on_the_network_is_not_the_devices(tmp_path):
    device = Clocked(cartpole_policy(), network_ns=1000)
    summary, log = play(tmp_path / "log", device=device, episodes=1, max_steps=9)
    assert all(set(step["ns"]) == set(PARTS) and step["ns"]["network"] == 1000 for step in of("step", log))
    assert summary["latency_us"]["network"] == {"p50": 1.0, "p90": 1.0, "p99": 1.0}
    waited = [sum(step["ns"].values()) - step["ns"]["env"] for step in of("step", log)]
    assert summary["latency_us"]["policy"]["p50"] == pytest.approx(np.median(waited) / 1e3)


@pytest.mark.parametrize(("policy", "options"), [(cartpole_policy(), {"max_steps": 80}), (pendulum_policy(), {})])
def test_several_environments_play_the_same_episodes(tmp_path, policy, options):
    def episodes(envs):
        device = Clocked(policy)
        _, log = play(tmp_path / "log", policy, device, episodes=5, seed=4, envs=envs, **options)
        played = {}
        for step in of("step", log):
            played.setdefault(step["episode"], []).append((step["step"], step["action"], step["reward"]))
        ends = {entry["episode"]: (entry["seed"], entry["length"], entry["return"]) for entry in of("episode", log)}
        return played, ends, device.batches

    *alone, batches = episodes(1)
    *together, of_three = episodes(3)
    assert alone == together and sorted(alone[1]) == [0, 1, 2, 3, 4]
    assert batches == [] and of_three[0] == 3 and min(of_three) >= 2


def test_no_more_environments_than_episodes(tmp_path, watched):
    summary, _ = play(tmp_path / "log", episodes=2, envs=5, max_steps=3)
    assert len(watched) == 2 and all(env.closed for env in watched)
    assert summary["steps"] == 6


def nan(observation, *rest):
    return (np.array([0, 0, np.nan, 0], np.float32), *rest)


def long(observation, *rest):
    return (np.zeros(5, np.float32), *rest)


def two(observation, *rest):
    return (np.zeros((2, 4), np.float32), *rest)


def unrewarded(observation, reward, *rest):
    return (observation, float("nan"), *rest)


@pytest.mark.parametrize(("bad", "rule", "found", "fix", "steps"), [
    (nan, "an observation must be finite", "nan in feature 2",
     "check the environment or the sensor that feeds the policy", 4),
    (long, "an observation must have the shape (4,)", "shape (5,)",
     "use the task that the policy was trained on, CartPole-v1", 4),
    (two, "an observation must have the shape (4,)", "shape (2, 4)", "check the environment", 4),
    (unrewarded, "a reward must be finite", "nan in step 3 of episode 0", "check the environment", 3)])
def test_what_an_environment_must_not_return(tmp_path, watched, bad, rule, found, fix, steps):
    watched.bad_at, watched.bad = 4, bad
    with refused(UserError, rule, found, fix):
        play(tmp_path / "log", episodes=2)
    assert [entry["type"] for entry in records(tmp_path / "log")] == ["run", *["step"] * steps]
    assert watched[0].closed


def test_a_device_that_fails_leaves_the_log_whole(tmp_path, watched):
    policy, dead = cartpole_policy(), ToolError("the server must answer", "nothing", "start it")
    with refused(ToolError, "the server must answer", "nothing", "start it"):
        play(tmp_path / "log", policy, Clocked(policy, fail_at=9, error=dead), episodes=5, max_steps=6, envs=2)
    assert (tmp_path / "log").read_text().endswith("}\n")
    steps = of("step", records(tmp_path / "log"))
    assert [(step["step"], step["episode"]) for step in steps] == [(step, e) for step in range(4) for e in (0, 1)]


class Onlooker(Observer):
    """Notes all that it is told."""

    def __init__(self):
        self.seen, self.records = [], []

    def playing(self, *seen):
        self.seen.append(seen)

    def ended(self, record):
        self.records.append(record)


def test_observers_are_told(tmp_path):
    onlooker = Onlooker()
    _, log = play(tmp_path / "log", episodes=3, max_steps=4, observers=[onlooker, Observer()])
    assert onlooker.records == [{key: entry[key] for key in entry if key != "type"} for entry in of("episode", log)]
    episode, steps, total, device_us = onlooker.seen[0]
    assert (episode, steps, total) == (0, 1, 1.0)
    assert device_us == pytest.approx(of("step", log)[0]["ns"]["device"] / 1e3)


def test_an_episode_says_how_long_its_steps_took(tmp_path):
    _, log = play(tmp_path / "log", episodes=1, max_steps=9)
    episode = of("episode", log)[0]
    assert episode["device_us"] == np.median([step["ns"]["device"] for step in of("step", log)]) / 1e3
    assert 0 < episode["device_us"] < episode["policy_us"] < episode["wall_s"] * 1e6


def test_a_long_log_is_cut_into_parts(tmp_path):
    play(tmp_path / "log", episodes=4, max_steps=50)
    whole = list(records(tmp_path / "log"))
    play(tmp_path / "log", episodes=4, max_steps=50, max_bytes=5000)
    assert len(parts(tmp_path / "log")) > 3
    assert all(path.stat().st_size <= 5000 for path in parts(tmp_path / "log")[:-1])
    assert [entry["type"] for entry in records(tmp_path / "log")] == [entry["type"] for entry in whole]


def test_a_loop_that_keeps_a_rate(tmp_path):
    summary, log = play(tmp_path / "log", episodes=2, max_steps=5, hz=200)
    late = [step["late_ns"] for step in of("step", log)]
    assert summary["wall_s"] >= 2 * 4 / 200
    assert summary["deadline"]["misses"] == sum(each > 0 for each in late)
    assert summary["deadline"]["misses"] == sum(entry["misses"] for entry in of("episode", log))
    assert summary["deadline"]["lateness_us"]["max"] == max(late) / 1e3
    assert late[0] == late[5] == 0, "an episode's first step is on time"


def test_nobody_looks_on_while_a_rate_is_kept(tmp_path):
    onlooker = Onlooker()
    play(tmp_path / "log", episodes=2, max_steps=3, hz=1000, observers=[onlooker])
    assert onlooker.seen == [] and len(onlooker.records) == 2
