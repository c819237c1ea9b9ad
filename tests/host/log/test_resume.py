"""A run that is cut off and resumed is, but for its times, the run that was never cut off."""
import json
import re

import pytest

from quarl.host.errors import UserError
from quarl.host.log.observer import Observer
from quarl.host.log.run_log import parts, records
from tests.host.helpers import refused
from tests.host.loop.closed_loop import Clocked, cartpole_policy, of, play

AFRESH = "repeat the options of that run, or leave --resume out to play afresh"
OPTIONS = {"episodes": 6, "max_steps": 7, "seed": 2, "shadow": 0.5}


def essence(log):
    """What does not depend on time, step by step and episode by episode."""
    steps = sorted((e["episode"], e["step"], e["action"], e["reward"]) for e in of("step", log))
    ends = sorted((e["episode"], e["seed"], e["length"], e["return"], e["shadow_checked"]) for e in of("episode", log))
    return log[0], steps, ends


def cut(path, fail_at, max_bytes=None, **options):
    policy = cartpole_policy()
    with pytest.raises(KeyboardInterrupt):
        play(path, policy, Clocked(policy, fail_at=fail_at), max_bytes=max_bytes, **{**OPTIONS, **options})


class Table(Observer):
    def __init__(self):
        self.episodes = []

    def ended(self, record):
        self.episodes.append(record["episode"])


class Built(Clocked):
    """A device that has an accelerator."""

    def __init__(self, policy, accelerator, **options):
        super().__init__(policy, **options)
        self.accelerator = accelerator

    def stats(self):
        return dict(super().stats(), accelerator=self.accelerator)


@pytest.mark.parametrize("now, found", [("new", "new"), (None, "None")])
def test_a_run_is_not_resumed_on_another_accelerator(tmp_path, now, found):
    policy, path = cartpole_policy(), tmp_path / "log"
    with pytest.raises(KeyboardInterrupt):
        play(path, policy, Built(policy, "old", fail_at=32), **OPTIONS)
    assert next(records(path))["accelerator"] == "old"
    with refused(UserError, "a run is resumed as it was begun, with accelerator old", found, AFRESH):
        play(path, policy, Built(policy, now), resume=True, **OPTIONS)
    resumed, _ = play(path, policy, Built(policy, "old"), resume=True, **OPTIONS)
    assert resumed["episodes"] == 6


def test_what_has_no_whole_episode_is_begun_anew(tmp_path):
    cut(tmp_path / "log", 3, max_bytes=300)
    policy = cartpole_policy()
    resumed, log = play(tmp_path / "log", policy, Clocked(policy), resume=True, **OPTIONS)
    assert resumed["episodes"] == 6 and len(of("run", log)) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["log"]


@pytest.mark.parametrize("envs", [1, 3])
@pytest.mark.parametrize("max_bytes", [None, 900])
@pytest.mark.parametrize("tail", ["", '{"type": "step", "epis'])
def test_it_goes_on_after_the_whole_episodes(tmp_path, envs, max_bytes, tail):
    policy = cartpole_policy()
    whole, log = play(tmp_path / "whole", policy, Clocked(policy), envs=envs, **OPTIONS)
    path, table = tmp_path / "log", Table()
    cut(path, 32, max_bytes, envs=envs)
    with open(parts(path)[-1], "a") as file:
        file.write(tail)
    before = len(of("episode", records(path)))
    assert 3 <= before < 6
    device = Clocked(policy)
    resumed, again = play(path, policy, device, envs=envs, max_bytes=max_bytes, observers=[table], resume=True,
                          **OPTIONS)
    assert essence(again) == essence(log)
    assert device.steps == 7 * (6 - before) and device.resets == 1
    assert again[-1]["type"] == "summary" and len(of("summary", again)) == 1
    for name in ("episodes", "steps", "return_mean", "return_std", "shadow"):
        assert resumed[name] == whole[name]
    assert resumed["wall_s"] >= max(e["wall_s"] for e in of("episode", again)) > 0
    assert sorted(table.episodes) == list(range(6)), "those that look on see the episodes of before as well"
    assert resumed["fpga_cycles"]["max"] == 22


def test_times_of_before_count(tmp_path):
    path = tmp_path / "log"
    cut(path, 17, hz=1000)
    lines = path.read_text().splitlines()
    for number, line in enumerate(lines):
        record = json.loads(line)
        if record["type"] == "step":
            record.update(cycles=1000, late_ns=9_000_000, ns={**record["ns"], "env": 10 ** 9, "network": 5000})
            lines[number] = json.dumps(record)
    path.write_text("\n".join(lines) + "\n")
    summary, _ = play(path, device=Clocked(cartpole_policy()), hz=1000, resume=True, **OPTIONS)
    assert summary["fpga_cycles"]["max"] == 1000
    assert summary["deadline"]["lateness_us"]["max"] >= 9000 and summary["deadline"]["misses"] >= 14
    assert summary["latency_us"]["env"]["p99"] == 1e6 and summary["latency_us"]["network"]["p99"] == 5


def test_a_finished_run_is_not_played_again(tmp_path):
    policy, table = cartpole_policy(), Table()
    summary, _ = play(tmp_path / "log", policy, **OPTIONS)
    text = (tmp_path / "log").read_bytes()
    device = Clocked(policy)
    device.name = "integer"
    again, _ = play(tmp_path / "log", policy, device, observers=[table], resume=True, **OPTIONS)
    assert again == json.loads(json.dumps(summary)) and device.steps == 0
    assert (tmp_path / "log").read_bytes() == text
    assert table.episodes == list(range(6))


@pytest.mark.parametrize("text", [None, "", '{"type": "run", "ta'])
def test_nothing_to_go_on_with(tmp_path, text):
    if text is not None:
        (tmp_path / "log").write_text(text)
    _, log = play(tmp_path / "log", resume=True, **OPTIONS)
    assert [entry["episode"] for entry in of("episode", log)] == list(range(6)) and log[0]["type"] == "run"


def test_no_whole_episode(tmp_path):
    cut(tmp_path / "log", 4)
    _, log = play(tmp_path / "log", device=Clocked(cartpole_policy()), resume=True, **OPTIONS)
    assert len(of("run", log)) == 1 and len(of("step", log)) == 42


@pytest.mark.parametrize(("change", "name", "found", "value"), [
    ({"seed": 3}, "seed", "2", "3"), ({"episodes": 9}, "episodes", "6", "9"),
    ({"max_steps": None}, "max_steps", "7", "None"), ({"hz": 50.0}, "hz", "None", "50.0"),
    ({"task": "CartPole-v0"}, "task", "CartPole-v1", "CartPole-v0")])
def test_another_run_is_not_resumed(tmp_path, change, name, found, value):
    cut(tmp_path / "log", 30)
    text = (tmp_path / "log").read_bytes()
    with refused(UserError, f"a run is resumed as it was begun, with {name} {found}", value, AFRESH):
        play(tmp_path / "log", device=Clocked(cartpole_policy()), resume=True, **{**OPTIONS, **change})
    assert (tmp_path / "log").read_bytes() == text


@pytest.mark.parametrize("text", ["no json\n", "3\n", '{"type": "episode", "episode": 0}\n', '{"no": "type"}\n'])
def test_a_file_that_is_no_log(tmp_path, text):
    (tmp_path / "log").write_text(text)
    with refused(UserError, "a log to resume must be one that `quarl run` wrote",
                 re.compile(".* in " + re.escape(str(tmp_path / "log"))), "leave --resume out to play afresh"):
        play(tmp_path / "log", resume=True, **OPTIONS)
    assert (tmp_path / "log").read_text() == text
