import csv
import json

import pytest
import torch

import models.train as training
from host.errors import UserError
from models import callbacks, presets
from models.bits import Bits
from models.evaluate import evaluate
from models.runs import load_run
from models.train import TrainConfig, train

BITS = Bits(4, 4, 8)


@pytest.fixture
def quick(monkeypatch):
    """CartPole with an evaluation of 3 episodes every 512 steps, no target."""
    settings = {**presets.preset("ppo", "CartPole-v1"), "eval_every": 512, "eval_episodes": 3, "target_return": None}
    monkeypatch.setattr(training, "preset", lambda algo, task: dict(settings))


def parameters(folder):
    return torch.cat([p.detach().flatten() for p in load_run(folder).actor.parameters()])


def rows(folder):
    with open(folder / "train" / "progress.csv", newline="") as file:
        return [int(row["timesteps"]) for row in csv.DictReader(file)]


def test_run_folder(tiny_run):
    result = json.loads((tiny_run / "train" / "result.json").read_text())
    assert result["trained_timesteps"] == 1024 and result["target_reached"] is False
    evaluations = json.loads((tiny_run / "train" / "evaluations.json").read_text())
    assert [e["timesteps"] for e in evaluations] == [1024]
    assert set(evaluations[0]) == {"timesteps", "mean_return", "std_return", "episodes", "seconds"}
    assert rows(tiny_run) == [1024]
    assert list((tiny_run / "train" / "tensorboard").glob("events*"))
    run = load_run(tiny_run)
    assert run.actor.bits == Bits(4, 3, 6) and not run.actor.training
    assert run.config["settings"]["total_steps"] == 1024
    assert run.normaliser.input_scale == run.actor.input_scale == 1 / 8


def test_the_seed_fixes_the_result(tmp_path, quick):
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        train(TrainConfig("CartPole-v1", tmp_path / name, bits=BITS, seed=seed, steps=600))
    assert torch.equal(parameters(tmp_path / "a"), parameters(tmp_path / "b"))
    assert not torch.equal(parameters(tmp_path / "a"), parameters(tmp_path / "c"))


def test_a_finished_run_is_not_trained_again(tmp_path, quick, monkeypatch):
    config = TrainConfig("CartPole-v1", tmp_path / "run", bits=BITS, steps=256)
    first = train(config)
    monkeypatch.setattr(training, "_run", lambda *a: pytest.fail("trained again"))
    assert train(config) == first


class Killed(BaseException):
    pass


def kill_at(monkeypatch, timesteps):
    record = callbacks.Supervisor._record

    def killed(self, returns):
        if self.num_timesteps >= timesteps:
            raise Killed
        record(self, returns)
    monkeypatch.setattr(callbacks.Supervisor, "_record", killed)


@pytest.mark.parametrize("resume", [True, False])
def test_a_killed_run_continues_from_its_checkpoint(tmp_path, quick, monkeypatch, resume):
    config = TrainConfig("CartPole-v1", tmp_path / "run", bits=BITS, steps=2048, resume=resume)
    with monkeypatch.context() as patch, pytest.raises(Killed):
        kill_at(patch, 1536)
        train(config)
    with pytest.raises(UserError, match=r"the run must have finished training, found no train/result.json in .*"
                                        r"continue it by repeating its `quarl train` command"):
        load_run(tmp_path / "run")
    assert (tmp_path / "run" / "train" / "checkpoint" / "model.zip").exists()
    starts = []
    learn = callbacks.Supervisor._on_training_start
    monkeypatch.setattr(callbacks.Supervisor, "_on_training_start",
                        lambda self: (starts.append(self.num_timesteps), learn(self))[1])
    result = train(config)
    assert starts == [1024 if resume else 0]
    assert result["trained_timesteps"] == 2048
    evaluations = json.loads((tmp_path / "run" / "train" / "evaluations.json").read_text())
    assert [e["timesteps"] for e in evaluations] == [512, 1024, 1536, 2048]
    assert rows(tmp_path / "run") == [1024, 2048]


def test_a_run_folder_keeps_its_settings(tmp_path, quick):
    train(TrainConfig("CartPole-v1", tmp_path / "run", bits=BITS, steps=256))
    with pytest.raises(UserError, match=r"a run folder keeps its settings; seed must be 0 in .*, found 1\. "
                                        r"Fix: choose another --out, or delete the folder\."):
        train(TrainConfig("CartPole-v1", tmp_path / "run", bits=BITS, steps=256, seed=1))


def test_the_best_evaluation_is_kept(tmp_path, quick, monkeypatch):
    scores = iter([5.0, 9.0, 7.0, 8.0])
    monkeypatch.setattr(callbacks.Player, "play", lambda self, act, seeds: [next(scores)] * len(seeds))
    saved = []
    take = callbacks.Snapshot.take
    monkeypatch.setattr(callbacks.Snapshot, "take", lambda *a: saved.append(take(*a)) or saved[-1])
    result = train(TrainConfig("CartPole-v1", tmp_path / "run", bits=BITS, steps=2048))
    assert (result["mean_return"], result["timesteps"], result["trained_timesteps"]) == (9.0, 1024, 2048)
    assert (tmp_path / "run" / "train" / "model.zip").read_bytes() == saved[1].model
    assert (tmp_path / "run" / "train" / "vecnormalize.pkl").read_bytes() == saved[1].normaliser


@pytest.mark.parametrize(("scores", "stops_at"), [([500, 500], 512), ([500, 400, 500, 500], 1024)])
def test_stops_at_a_confirmed_target(tmp_path, monkeypatch, scores, stops_at):
    settings = {**presets.preset("ppo", "CartPole-v1"), "eval_every": 512, "eval_episodes": 3}
    monkeypatch.setattr(training, "preset", lambda algo, task: dict(settings))
    played = iter(scores)
    monkeypatch.setattr(callbacks.Player, "play", lambda self, act, seeds: [float(next(played))] * len(seeds))
    result = train(TrainConfig("CartPole-v1", tmp_path / "run", bits=BITS, steps=4096))
    assert (result["timesteps"], result["episodes"], result["target_reached"]) == (stops_at, 15, True)


@pytest.mark.parametrize("task", [t for t in presets.tasks("ppo") if not t.startswith("CartPole")])
def test_other_tasks_train(tmp_path, monkeypatch, task):
    settings = {**presets.preset("ppo", task), "n_steps": 32, "batch_size": 32, "n_envs": 2, "eval_episodes": 1}
    monkeypatch.setattr(training, "preset", lambda algo, task: dict(settings))
    train(TrainConfig(task, tmp_path / "run", bits=Bits(3, 2, 5), steps=64))
    torch_returns = evaluate(tmp_path / "run", 2, 0, "torch")
    assert torch_returns.tolist() == evaluate(tmp_path / "run", 2, 0, "integer").tolist()


@pytest.mark.parametrize(("arguments", "message"), [
    ({"seed": -1}, r"the seed must be 0 or more, found -1\. Fix: choose another --seed\."),
    ({"steps": 0}, r"the number of steps must be 1 or more, found 0\. Fix: choose another --steps\."),
])
def test_bad_arguments(tmp_path, arguments, message):
    with pytest.raises(UserError, match=message):
        TrainConfig("CartPole-v1", tmp_path, **arguments)


def test_unknown_task_leaves_no_folder(tmp_path):
    with pytest.raises(UserError, match="the task must be one that ppo has a preset for"):
        train(TrainConfig("Pong-v0", tmp_path / "run"))
    assert not (tmp_path / "run").exists()


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(5))
def test_cartpole_reaches_500(tmp_path, seed):
    result = train(TrainConfig("CartPole-v1", tmp_path / "run", bits=BITS, seed=seed))
    assert result["target_reached"]
    assert evaluate(tmp_path / "run", 20, 0, "integer").tolist() == [500.0] * 20
