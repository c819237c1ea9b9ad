import csv
import json
import os

import pytest
import torch

from quarl.host.errors import UserError
from quarl.models.actors.bits import Bits
from quarl.models.play.evaluate import evaluate
from quarl.models.runs import checkpoint
from quarl.models.runs.run_folder import load_run, read_config
from quarl.models.sb3 import algorithms
from quarl.models.tasks import presets
from quarl.models.training import supervisor
from quarl.models.training import train as training
from quarl.models.training.train import TrainConfig, train

BITS = Bits(4, 4, 8)


@pytest.fixture
def quick(monkeypatch):
    """CartPole with an evaluation of 3 episodes every 512 steps, no target."""
    settings = {**presets.preset("ppo", "CartPole-v1"), "eval_every": 512, "checkpoint_every": 512,
                "eval_episodes": 3, "target_return": None}
    monkeypatch.setattr(training, "preset", lambda algo, task, changes: {**settings, **changes})


def parameters(folder):
    return torch.cat([p.detach().flatten() for p in load_run(folder).actor.parameters()])


def rows(folder):
    with open(folder / "train" / "progress.csv", newline="") as file:
        return [int(row["timesteps"]) for row in csv.DictReader(file)]


def numbers(model):
    """What a model counts, and its last episodes."""
    counted = {name: value for name, value in vars(model).items() if type(value) in (int, float)}
    return counted, [(episode["r"], episode["l"]) for episode in model.ep_info_buffer]


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
    record = supervisor.Supervisor._record

    def killed(self, returns):
        if self.num_timesteps >= timesteps:
            raise Killed
        record(self, returns)
    monkeypatch.setattr(supervisor.Supervisor, "_record", killed)


def train_killed(config, monkeypatch, timesteps):
    """Train, die at the evaluation at ``timesteps``, train again: the result and where the second time began."""
    starts = []
    learn = supervisor.Supervisor._on_training_start
    with monkeypatch.context() as patch, pytest.raises(Killed):
        kill_at(patch, timesteps)
        train(config)
    monkeypatch.setattr(supervisor.Supervisor, "_on_training_start",
                        lambda self: (starts.append(self.num_timesteps), learn(self))[1])
    return train(config), starts


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
    result, starts = train_killed(config, monkeypatch, 1536)
    assert starts == [1024 if resume else 0]
    assert result["trained_timesteps"] == 2048
    evaluations = json.loads((tmp_path / "run" / "train" / "evaluations.json").read_text())
    assert [e["timesteps"] for e in evaluations] == [512, 1024, 1536, 2048]
    assert rows(tmp_path / "run") == [1024, 2048]


SMALL = {"net_arch": [16, 16], "n_envs": 2, "n_steps": 16, "batch_size": 16, "learning_starts": 40, "buffer_size": 300,
         "train_freq": 4, "gradient_steps": 2, "norm_steps": 200, "eval_every": 160, "checkpoint_every": 160,
         "eval_episodes": 2, "target_return": None}


def small(algo, task):
    return {key: value for key, value in SMALL.items() if key in presets.preset(algo, task)}


@pytest.mark.parametrize("delay", [0, 200])
@pytest.mark.parametrize(("algo", "task"), [
    ("ppo", "CartPole-v1"), ("a2c", "Pendulum-v1"), ("dqn", "CartPole-v1"), ("ddpg", "Pendulum-v1"),
    ("td3", "Pendulum-v1"), ("sac", "Pendulum-v1")])
def test_a_killed_run_ends_as_one_that_was_not(tmp_path, monkeypatch, algo, task, delay):
    def config(name):
        return TrainConfig(task, tmp_path / name, algo, BITS, 5, 640, delay=delay, settings=small(algo, task))
    whole = train(config("whole"))
    continued, starts = train_killed(config("killed"), monkeypatch, 480)
    assert starts == [320]
    assert {**continued, "seconds": 0} == {**whole, "seconds": 0}
    ours, theirs = (load_run(tmp_path / name) for name in ("killed", "whole"))
    torch.testing.assert_close(ours.model.get_parameters(), theirs.model.get_parameters(), rtol=0, atol=0,
                               equal_nan=True)
    assert ours.normaliser.obs_rms.mean.tolist() == theirs.normaliser.obs_rms.mean.tolist()
    assert numbers(ours.model) == numbers(theirs.model)
    assert ours.actor.bits == BITS


@pytest.mark.parametrize(("norm_steps", "learned"), [(200, 202), (1000, 642)])
def test_the_normaliser_learns_from_the_first_norm_steps(tmp_path, monkeypatch, norm_steps, learned):
    """Two observations more: those of the resets."""
    counts, end = [], supervisor.Supervisor._on_training_end
    monkeypatch.setattr(supervisor.Supervisor, "_on_training_end",
                        lambda self: (counts.append(int(self.normaliser.obs_rms.count)), end(self)))
    train(TrainConfig("CartPole-v1", tmp_path / "run", "dqn", BITS, 0, 640,
                      settings={**small("dqn", "CartPole-v1"), "norm_steps": norm_steps, "checkpoint_every": 1000}))
    assert counts == [learned]


def test_a_run_folder_keeps_its_settings(tmp_path, quick):
    train(TrainConfig("CartPole-v1", tmp_path / "run", bits=BITS, steps=256))
    with pytest.raises(UserError, match=r"a run folder keeps its settings; seed must be 0 in .*, found 1\. "
                                        r"Fix: choose another --out, or delete the folder\."):
        train(TrainConfig("CartPole-v1", tmp_path / "run", bits=BITS, steps=256, seed=1))
    with pytest.raises(UserError, match=r"settings; eval_episodes must be 3, gamma must be 0\.98 in .*, found "
                                        r"eval_episodes 4, gamma 0\.5\. Fix"):
        train(TrainConfig("CartPole-v1", tmp_path / "run", bits=BITS, steps=256,
                          settings={"gamma": 0.5, "eval_episodes": 4}))
    with pytest.raises(UserError, match=r"settings; bits must be W4A4I8 in .*, found fp32\. Fix"):
        train(TrainConfig("CartPole-v1", tmp_path / "run", steps=256))


def test_the_best_evaluation_is_kept(tmp_path, quick, monkeypatch):
    scores = iter([5.0, 9.0, 7.0, 8.0])
    monkeypatch.setattr(supervisor.Player, "play", lambda self, act, seeds: [next(scores)] * len(seeds))
    saved = {}
    add = supervisor.History.add
    monkeypatch.setattr(supervisor.History, "add", lambda self, evaluation, latest: (
        saved.update({evaluation["timesteps"]: latest}), add(self, evaluation, latest)))
    result = train(TrainConfig("CartPole-v1", tmp_path / "run", bits=BITS, steps=2048))
    assert (result["mean_return"], result["timesteps"], result["trained_timesteps"]) == (9.0, 1024, 2048)
    assert (tmp_path / "run" / "train" / "model.zip").read_bytes() == saved[1024].model
    assert (tmp_path / "run" / "train" / "normaliser.npz").read_bytes() == saved[1024].normaliser


@pytest.mark.parametrize(("scores", "stops_at"), [([500, 500], 512), ([500, 400, 500, 500], 1024)])
def test_stops_at_a_confirmed_target(tmp_path, monkeypatch, scores, stops_at):
    settings = {**presets.preset("ppo", "CartPole-v1"), "eval_every": 512, "eval_episodes": 3}
    monkeypatch.setattr(training, "preset", lambda algo, task, changes: {**settings, **changes})
    played = iter(scores)
    monkeypatch.setattr(supervisor.Player, "play", lambda self, act, seeds: [float(next(played))] * len(seeds))
    result = train(TrainConfig("CartPole-v1", tmp_path / "run", bits=BITS, steps=4096))
    assert (result["timesteps"], result["episodes"], result["target_reached"]) == (stops_at, 15, True)


@pytest.mark.parametrize(("algo", "task"), [
    (algo, task) for algo in presets.algorithms() for task in presets.tasks(algo)
    if not task.startswith("ALE/") and (algo in ("ppo", "sac") or task in ("Acrobot-v1", "Pendulum-v1"))])
def test_other_tasks_train(tmp_path, algo, task):
    settings = {**small(algo, task), "eval_episodes": 1, "eval_every": 96}
    train(TrainConfig(task, tmp_path / "run", algo, Bits(3, 2, 5), steps=96, settings=settings))
    torch_returns = evaluate(tmp_path / "run", 2, 0, "torch")
    assert torch_returns.tolist() == evaluate(tmp_path / "run", 2, 0, "integer").tolist()


@pytest.mark.parametrize(("arguments", "message"), [
    ({"seed": -1}, r"the seed must be 0 or more, found -1\. Fix: choose another --seed\."),
    ({"steps": 0}, r"the number of steps must be 1 or more, found 0\. Fix: choose another --steps\."),
    ({"delay": -5}, r"the steps before quantisation must be 0 or more, found -5\. Fix: choose another --delay\."),
    ({"delay": 5}, r"only a quantised run can delay its quantisation, found --delay and --fp32\. Fix: leave out one\."),
    ({"delay": 5000, "bits": BITS, "steps": 4000},
     r"quantisation must start before training ends, after 4000 steps, found 5000\. Fix: choose a smaller --delay or"),
    ({"algo": "sarsa"}, r"the algorithm must be one of a2c, ddpg, dqn, ppo, sac, td3, found sarsa\."),
    ({"algo": "sac", "task": "CartPole-v1", "steps": 10},
     r"sac needs Box actions, found Discrete\(2\) in CartPole-v1\. Fix: train with --algo ppo or a2c or dqn\."),
    ({"algo": "dqn", "task": "Pendulum-v1", "steps": 10},
     r"dqn needs Discrete actions, found Box\(.*\) in Pendulum-v1\. Fix: train with --algo ppo or a2c or ddpg or"),
    ({"settings": {"learning_rat": 1}}, r"a setting of ppo must be one of .*, found learning_rat\. Fix: write"),
    ({"precision": "fp16", "device": "cpu"}, r"fp16 needs a GPU"),
])
def test_bad_arguments(tmp_path, arguments, message):
    with pytest.raises(UserError, match=message):
        train(TrainConfig(**{"task": "CartPole-v1", "out": tmp_path / "run", **arguments}))
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(("algo", "task"), [("ppo", "CartPole-v1"), ("a2c", "Pendulum-v1"), ("dqn", "CartPole-v1"),
                                            ("sac", "Pendulum-v1")])
def test_a_loss_that_is_not_finite_stops_training_and_keeps_the_checkpoint(tmp_path, monkeypatch, algo, task):
    rollout = supervisor.Supervisor._on_rollout_start

    def poisoned(self):
        if self.num_timesteps >= 256:
            with torch.no_grad():
                list(self.model.policy.parameters())[-1].fill_(float("nan"))
        rollout(self)
    monkeypatch.setattr(supervisor.Supervisor, "_on_rollout_start", poisoned)
    with pytest.raises(UserError, match=r"training must keep its losses and parameters finite, found (parameters that "
                                        r"are not|train/.*loss = nan) at step (\d+)\. Fix: lower the learning rate, "
                                        r"--set learning_rate=…, with another --out; the last good checkpoint "
                                        r"stays in .*"):
        train(TrainConfig(task, tmp_path / "run", algo, BITS, 5, 640, settings=small(algo, task)))
    model, _ = checkpoint.load(tmp_path / "run" / "train" / "checkpoint", read_config(tmp_path / "run"))
    assert model.num_timesteps == 160 and all(p.isfinite().all() for p in model.policy.parameters())


def test_training_starts_from_an_fp32_run(tmp_path, quick):
    train(TrainConfig("CartPole-v1", tmp_path / "float", seed=1, steps=256))
    source = load_run(tmp_path / "float")
    train(TrainConfig("CartPole-v1", tmp_path / "tuned", bits=BITS, seed=2, steps=16, init=tmp_path / "float",
                      settings={"learning_rate": 0.0}))
    tuned = load_run(tmp_path / "tuned")
    layers = [m for m in source.actor if isinstance(m, torch.nn.Linear)]
    assert all(torch.equal(a.weight, b.weight) for a, b in zip(layers, tuned.actor.linears, strict=True))
    assert tuned.normaliser.obs_rms.count > source.normaliser.obs_rms.count


@pytest.mark.parametrize(("change", "message"), [
    ({"settings": {"net_arch": [8]}}, r"training must start from a run of the same architecture, net_arch \[8\], found "
                                      r"\[64, 64\] in .*\. Fix: choose another --init, or --set net_arch=…\."),
    ({"algo": "a2c"}, r"training must start from a run of algo a2c, found ppo in .*\. Fix: choose another --init or"),
    ({"init": "quantised"}, r"training must start from an fp32 run, found W4A4I8 in .*\. Fix: train one with --fp32\."),
])
def test_runs_that_training_cannot_start_from(tmp_path, quick, change, message):
    train(TrainConfig("CartPole-v1", tmp_path / "float", steps=16))
    train(TrainConfig("CartPole-v1", tmp_path / "quantised", bits=BITS, steps=16))
    change = {**change, "init": tmp_path / change.get("init", "float")}
    with pytest.raises(UserError, match=message):
        train(TrainConfig(**{"task": "CartPole-v1", "out": tmp_path / "run", "bits": BITS, "steps": 16, **change}))
    assert not (tmp_path / "run").exists()


def test_nothing_is_deleted_before_all_is_known_to_be_in_order(tmp_path, quick, monkeypatch):
    def config(**changes):
        return TrainConfig(**{"task": "CartPole-v1", "out": tmp_path / "run", "bits": BITS, "steps": 1024,
                              "init": tmp_path / "float", "resume": False, **changes})
    train(config(out=tmp_path / "float", bits=None, init=None, steps=16))
    with monkeypatch.context() as patch, pytest.raises(Killed):
        kill_at(patch, 1024)
        train(config())
    kept = contents(tmp_path / "run")
    assert "train/checkpoint/model.zip" in kept
    os.rename(tmp_path / "float", tmp_path / "elsewhere")
    with pytest.raises(UserError, match=r"a run folder must hold a readable config\.yaml"):
        train(config())
    os.rename(tmp_path / "elsewhere", tmp_path / "float")
    monkeypatch.setattr(algorithms, "create", lambda *_: pytest.fail("the model cannot be made"))
    with pytest.raises(pytest.fail.Exception):
        train(config())
    assert contents(tmp_path / "run") == kept


def contents(folder):
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("settings", [{"learning_rate": "fast"}, {"net_arch": 64}, {"eval_every": 0},
                                      {"net_arch": {"conv": [[8, 3, 1]], "dense": [8]}}])
def test_wrong_settings_leave_no_folder(tmp_path, settings):
    with pytest.raises(UserError, match=r"must be|needs observations that are pixels"):
        train(TrainConfig("CartPole-v1", tmp_path / "run", steps=64, settings=settings))
    assert not (tmp_path / "run").exists()


def test_a_start_that_fails_leaves_the_folder_to_other_settings(tmp_path, quick, monkeypatch):
    """A model that cannot be made writes nothing; a training that fails at once leaves no settings behind."""
    config = TrainConfig("CartPole-v1", tmp_path / "run", bits=BITS, steps=256)
    with monkeypatch.context() as patch:
        patch.setattr(algorithms, "create", lambda *_: (_ for _ in ()).throw(RuntimeError("no model")))
        with pytest.raises(RuntimeError, match="no model"):
            train(config)
    assert not (tmp_path / "run").exists()
    with monkeypatch.context() as patch:
        patch.setattr(supervisor.Supervisor, "_on_step", lambda self: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            train(config)
    assert contents(tmp_path / "run") == {}
    assert train(TrainConfig("CartPole-v1", tmp_path / "run", bits=BITS, steps=512))["timesteps"] == 512


def test_a_task_without_a_preset_trains_with_given_settings(tmp_path):
    with pytest.raises(UserError, match=r"or its training must be described, found InvertedPendulum-v5\. Fix: give "
                                        r"--steps, and other settings as --set KEY=VALUE"):
        train(TrainConfig("InvertedPendulum-v5", tmp_path / "run", bits=BITS))
    train(TrainConfig("InvertedPendulum-v5", tmp_path / "run", bits=BITS, steps=64,
                      settings={"net_arch": [8], "n_envs": 1, "eval_episodes": 1}))
    assert load_run(tmp_path / "run").actor.dims == (4, 8, 1)


def test_unknown_task_leaves_no_folder(tmp_path):
    with pytest.raises(UserError, match="the task must be an installed Gymnasium environment"):
        train(TrainConfig("Ping-v0", tmp_path / "run"))
    with pytest.raises(UserError, match="the task must be an installed Gymnasium environment"):
        train(TrainConfig("Ping-v0", tmp_path / "run", steps=10))
    assert not (tmp_path / "run").exists()


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(5))
def test_cartpole_reaches_500(tmp_path, seed):
    result = train(TrainConfig("CartPole-v1", tmp_path / "run", bits=BITS, seed=seed))
    assert result["target_reached"]
    assert evaluate(tmp_path / "run", 20, 0, "integer").tolist() == [500.0] * 20
