"""Atari games, from pixels: training, saving, export, and the integer reference that equals the trained actor."""
import numpy as np
import pytest
import torch
from gymnasium import spaces

from quarl.host import policy as package
from quarl.host.errors import UserError
from quarl.host.policy import codec, integer
from quarl.models.actors.bits import Bits
from quarl.models.export.package import export_run
from quarl.models.play.act import act_in_integers, act_in_torch
from quarl.models.play.observations import visited_observations
from quarl.models.ptq import analysis, quantise
from quarl.models.runs import checkpoint
from quarl.models.runs.run_folder import load_run
from quarl.models.sb3 import algorithms
from quarl.models.sb3.policies import convert
from quarl.models.tasks.normalise import FoldedVecNormalize
from quarl.models.tasks.presets import preset
from quarl.models.tasks.spaces import is_pixels, make_env
from quarl.models.tasks.vec_env import MonitoredVecEnv
from quarl.models.training import supervisor
from quarl.models.training.train import TrainConfig, train

pytest.importorskip("ale_py")

PONG = "ALE/Pong-v5"
NET_ARCH = {"conv": [[4, 8, 8], [8, 4, 2]], "dense": [16]}
TINY = {"net_arch": NET_ARCH, "eval_episodes": 1, "eval_every": 1000, "checkpoint_every": 128}
SETTINGS = {"ppo": {"n_envs": 2, "n_steps": 64, "batch_size": 64, "n_epochs": 2},
            "dqn": {"buffer_size": 300, "learning_starts": 50}}


@pytest.fixture(scope="module", params=sorted(SETTINGS))
def run(request, tmp_path_factory):
    """Pong W4A4 after 256 steps."""
    algo, out = request.param, tmp_path_factory.mktemp("pong") / request.param
    train(TrainConfig(PONG, out, algo, Bits(4, 4), steps=256, device="cpu", settings={**TINY, **SETTINGS[algo]}))
    return load_run(out)


def model(algo, bits=None, **settings):
    """A model that has not been trained."""
    settings = preset(algo, PONG, {**TINY, **SETTINGS.get(algo, {"n_envs": 1}), **settings})
    venv = MonitoredVecEnv([lambda: make_env(PONG) for _ in range(settings["n_envs"])])
    normalised = FoldedVecNormalize(venv, 8, settings["norm_reward"], settings["gamma"])
    return algorithms.create(algo, settings, normalised, bits, 0)


def test_the_integer_reference_equals_the_trained_actor(run):
    policy = package.read(export_run(run.folder))
    assert policy.pixels and policy.observation_shape == (4, 84, 84) and len(policy.encode_scale) == 0
    assert [layer.stride for layer in policy.layers] == [8, 2, None, None]
    seen = visited_observations(run, 280)
    assert seen.dtype == np.uint8 and seen.shape == (280, 4, 84, 84)
    visited, drawn = seen[:210], seen[210:]
    assert len(np.unique(visited, axis=0)) > 150 and len(np.unique(drawn)) == 256
    np.testing.assert_array_equal(seen, visited_observations(run.folder, 280))
    expected, found = integer.trace(policy, codec.encode(policy, seen)), run.actor.trace(torch.from_numpy(seen))
    for (acc, codes), (acc_torch, codes_torch) in zip(expected, found, strict=True):
        np.testing.assert_array_equal(acc, acc_torch.numpy())
        assert codes is None or np.array_equal(codes, codes_torch.numpy())
    act = act_in_torch(run.actor, run.normaliser, run.config["algo"], run.action)
    actions = act(seen)
    np.testing.assert_array_equal(actions, act_in_integers(policy)(seen))
    np.testing.assert_array_equal(actions, run.model.predict(seen, deterministic=True)[0])


def test_every_layer_was_trained(run):
    fresh = model(run.config["algo"], Bits(4, 4)).policy.deployed
    for layer, before in zip(run.actor.linears, fresh.linears, strict=True):
        assert not torch.equal(layer.weight, before.weight)
    for activation, before in zip(run.actor.activations, fresh.activations, strict=True):
        assert not torch.equal(next(activation.parameters()), next(before.parameters()))


def test_a_checkpoint_has_the_frames_of_the_replay_buffer(run):
    if run.config["algo"] != "dqn":
        assert not (run.folder / "train" / "checkpoint" / checkpoint.REPLAY).exists()
        return
    other = model("dqn", Bits(4, 4))
    checkpoint._restore_replay(run.folder / "train" / "checkpoint", other)
    buffer = other.replay_buffer
    assert buffer.observations.dtype == np.uint8 and 100 < buffer.pos < 300
    np.testing.assert_array_equal(buffer.observations[1:50], buffer.next_observations[:49])
    sample = buffer.sample(20, env=other.get_vec_normalize_env())
    assert sample.observations.max() > 1 and set(sample.rewards.flatten().tolist()) <= {-1.0, 0.0, 1.0}


@pytest.mark.parametrize("algo", ["a2c", "dqn", "ppo"])
def test_a_live_fp32_model_is_quantised_and_saved(algo, tmp_path):
    """With 8 bits it acts nearly as before; what is loaded acts exactly alike."""
    live = model(algo)
    x = torch.randint(0, 256, (40, 4, 84, 84), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        before = live.policy.deployed.eval()(x)
        convert(live, Bits(8, 8))
        after = live.policy.deployed.eval()(x)
        assert 0 < (after - before).abs().max() < 0.1 * before.abs().max()
        live.save(tmp_path / "model.zip")
        loaded = algorithms.ALGORITHMS[algo].model.load(tmp_path / "model.zip", device="cpu")
        assert loaded.policy.bits == Bits(8, 8) and torch.equal(loaded.policy.deployed.eval()(x), after)
    live.learn(256)
    assert not torch.equal(live.policy.deployed.eval()(x), after)


def test_the_critic_reads_the_actors_hidden_layers():
    policy = model("ppo", Bits(4, 4)).policy
    x = torch.randint(0, 256, (5, 4, 84, 84), dtype=torch.uint8)
    for mode in (False, True):
        policy.set_training_mode(mode)
        assert torch.equal(policy.predict_values(x), policy.value_net(policy.deployed.hidden(x)))
    assert sum(p.numel() for p in policy.parameters()) == sum(
        p.numel() for p in [*policy.deployed.parameters(), *policy.value_net.parameters()])


def test_rewards_are_their_sign_and_pixels_as_they_are():
    normalised = model("ppo").get_vec_normalize_env()
    assert normalised.reset().dtype == np.uint8
    rewards = normalised.normalize_reward(np.array([-200.0, 0, 0.5], np.float32))
    assert rewards.tolist() == [-1, 0, 1] and rewards.dtype == np.float32
    observations = normalised.step(np.zeros(2, int))[0]
    np.testing.assert_array_equal(observations, normalised.get_original_obs())
    assert [len(part) for part in normalised.fold()] == [0, 0]


@pytest.mark.parametrize(("space", "expected"), [
    (spaces.Box(0, 255, (4, 84, 84), np.uint8), True), (spaces.Box(0, 255, (1, 2, 2), np.uint8), True),
    (spaces.Box(0, 255, (84, 84, 3), np.uint8), False), (spaces.Box(0, 255, (4, 84, 84), np.float32), False),
    (spaces.Box(0, 1, (4, 84, 84), np.uint8), False), (spaces.Box(0, 255, (84,), np.uint8), False)])
def test_what_pixels_are(space, expected):
    assert is_pixels(space) is expected


@pytest.mark.parametrize(("algo", "bits", "net_arch", "message"), [
    ("ppo", Bits(4, 4, 6), NET_ARCH, r"a policy of pixels must have 8 input bits, found 6\. Fix: use --input-bits 8"),
    ("sac", None, NET_ARCH, r"sac needs observations that are a vector, found .* Fix: use ppo or a2c or dqn"),
    ("ppo", None, [64, 64], r"the net_arch of pixels must be \{conv: .*, found \[64, 64\]\. Fix: use, for example"),
    ("dqn", None, {"conv": [], "dense": [5]}, r"the net_arch of pixels must be .* with one of each or more"),
    ("dqn", None, {"conv": [[4, 8]], "dense": [5]}, r"the net_arch of pixels must be "),
    ("dqn", None, {"conv": [[4, 8, 0]], "dense": [5]}, r"the net_arch of pixels must be "),
    ("a2c", None, {"conv": [[4, 90, 1]], "dense": [5]}, r"a kernel must fit into its input of 84 x 84, found 90")])
def test_what_pixels_do_not_go_with(algo, bits, net_arch, message):
    space = spaces.Box(0, 255, (4, 84, 84), np.uint8)
    with pytest.raises(UserError, match=message):
        algorithms.check_pixels(algo, PONG, space, bits, net_arch)
    algorithms.check_pixels(algo, "Pendulum-v1", spaces.Box(-1, 1, (3,)), bits, [64, 64])


def test_a_refused_training_leaves_no_folder(tmp_path):
    with pytest.raises(UserError, match="must have 8 input bits"):
        train(TrainConfig(PONG, tmp_path / "run", bits=Bits(4, 4, 4), steps=100))
    assert not (tmp_path / "run").exists()


@pytest.mark.slow
@pytest.mark.parametrize("algo", sorted(SETTINGS))
def test_a_killed_run_ends_as_one_that_was_not(tmp_path, monkeypatch, algo):
    def config(name):
        return TrainConfig(PONG, tmp_path / name, algo, Bits(4, 4), steps=384, device="cpu",
                           settings={**TINY, **SETTINGS[algo], "eval_every": 192})

    def killed(self, returns):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(supervisor.Supervisor, "_record", killed)
        train(config("killed"))
    assert (tmp_path / "killed" / "train" / "checkpoint").exists()
    ours, theirs = (train(config(name)) and load_run(tmp_path / name).model.policy.state_dict()
                    for name in ("killed", "whole"))
    assert all(torch.equal(ours[name], theirs[name]) for name in theirs)


@pytest.mark.slow
def test_post_training_quantisation(tmp_path, monkeypatch):
    monkeypatch.setattr(quantise, "EPISODES", 1)
    monkeypatch.setattr(quantise, "SAMPLES", 60)
    monkeypatch.setattr(analysis, "SAMPLES", 60)
    train(TrainConfig(PONG, tmp_path / "float", "ppo", steps=128, device="cpu", settings={**TINY, **SETTINGS["ppo"]}))
    seen = visited_observations(tmp_path / "float", 100)
    for name, config in (("w8", (Bits(8, 8),)), ("w4c", (Bits(4, 4, 8, True), "percentile", 99.0)), ("half", (None,))):
        result = quantise.ptq(quantise.PtqConfig(tmp_path / "float", tmp_path / name, *config))
        assert result["agreement"] > (0.9 if name != "w4c" else 0.3)
        quantised = load_run(tmp_path / name)
        if name != "half":
            policy = package.read(export_run(quantised.folder))
            act = act_in_torch(quantised.actor, quantised.normaliser, "ppo", quantised.action)
            np.testing.assert_array_equal(act_in_integers(policy)(seen), act(seen))
