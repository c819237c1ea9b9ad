"""Every setting has bounds, wherever it comes from, and what it is refused for says what to write."""
import numpy as np
import pytest

from quarl.host.errors import UserError
from quarl.models.tasks.presets import _load, algorithms, preset
from quarl.models.tasks.settings_schema import settings_of


@pytest.mark.parametrize("algo", algorithms())
def test_the_schema_and_the_presets_have_the_same_settings(algo):
    loaded = _load(algo)
    used = {key for part in (loaded["defaults"], loaded.get("pixels", {}), *loaded["tasks"].values()) for key in part}
    assert used == set(settings_of(algo))


@pytest.mark.parametrize(("algo", "name", "value", "message"), [
    ("ppo", "net_arch", 32, r"net_arch must be the sizes of the hidden layers, .* or \{pi: .*vf: .*, found 32\. Fix: "
                            r"write for example --set 'net_arch=\[64, 64\]', or see `quarl train --help-settings`\."),
    ("a2c", "net_arch", [16, 0], r"found \[16, 0\]"),
    ("dqn", "net_arch", [-1], r"found \[-1\]"),
    ("sac", "net_arch", [32.0], r"found \[32\.0\]"),
    ("dqn", "net_arch", [True], r"found \[True\]"),
    ("td3", "net_arch", {"pi": [8]}, r"\{pi: \[64, 64\], qf: \[64, 64\]\} of actor and critic, found \{'pi': \[8\]\}"),
    ("ppo", "net_arch", {"pi": [8], "qf": [8]}, r"found .*'qf'"),
    ("dqn", "net_arch", "64", r"found 64"),
    ("ppo", "n_envs", 0, r"the setting n_envs must be a whole number from 1 to 65536, found 0\. Fix: write for example "
                         r"--set n_envs=16, or see"),
    ("ppo", "n_envs", True, r"found true"),
    ("ppo", "batch_size", 1, r"batch_size must be a whole number of 2 or more, found 1\."),
    ("ppo", "n_epochs", 0, r"n_epochs must be a whole number of 1 or more, found 0\."),
    ("a2c", "n_steps", -4, r"n_steps must be a whole number of 1 or more, found -4\."),
    ("dqn", "buffer_size", 1e4, r"buffer_size must be a whole number of 1 or more, found 10000\.0\."),
    ("sac", "buffer_size", "1e4", r"found 1e4\."),
    ("ppo", "eval_every", 0, r"eval_every must be .* 1 or more, found 0\."),
    ("ppo", "eval_episodes", 0, r"eval_episodes must be .* 1 or more, found 0\."),
    ("ppo", "checkpoint_every", None, r"checkpoint_every must be .* 1 or more, found null\."),
    ("ppo", "gamma", float("nan"), r"gamma must be a number from 0 to 1, found nan\."),
    ("ppo", "gamma", "nan", r"found nan\."),
    ("ppo", "gamma", 1.01, r"found 1\.01\."),
    ("ppo", "target_return", float("inf"), r"target_return must be a number, or null, found inf\."),
    ("ppo", "learning_rate", "fast", r"learning_rate must be a number of 0 or more, or lin_X, found fast\. Fix: write "
                                     r"for example --set learning_rate=lin_0\.0015, or"),
    ("ppo", "learning_rate", "lin_nan", r"found lin_nan\."),
    ("a2c", "learning_rate", "lin_-1", r"found lin_-1\."),
    ("ppo", "max_grad_norm", 0, r"max_grad_norm must be a number above 0, found 0\."),
    ("ppo", "norm_reward", "Sign", r"norm_reward must be true or false, or sign, found Sign\."),
    ("ppo", "normalize_advantage", 1, r"normalize_advantage must be true or false, found 1\."),
    ("sac", "ent_coef", "auto_0", r"ent_coef must be a number of 0 or more, or auto, or auto_X, found auto_0\."),
    ("dqn", "gradient_steps", -2, r"gradient_steps must be a whole number of 1 or more, or -1, found -2\."),
    ("ppo", "total_steps", 10 ** 400, r"total_steps must be .* 1 or more, found 10+\."),
])
def test_wrong_values_are_refused(algo, name, value, message):
    task = "CartPole-v1" if algo in ("ppo", "a2c", "dqn") else "Pendulum-v1"
    with pytest.raises(UserError, match=message):
        preset(algo, task, {name: value})


@pytest.mark.parametrize(("algo", "name", "value", "kept"), [
    ("ppo", "learning_rate", "1e-3", 1e-3),              # text in YAML
    ("ppo", "learning_rate", np.float32(0.5), 0.5), ("ppo", "learning_rate", 0, 0),
    ("ppo", "learning_rate", "lin_1e-3", "lin_1e-3"), ("ppo", "n_envs", np.int64(3), 3),
    ("ppo", "net_arch", (8, np.int64(4)), [8, 4]), ("ppo", "net_arch", [], []),
    ("ppo", "net_arch", {"pi": (8,), "vf": [4]}, {"pi": [8], "vf": [4]}), ("ppo", "norm_reward", True, True),
    ("ppo", "target_return", None, None), ("ppo", "target_return", -5, -5), ("dqn", "gradient_steps", -1, -1),
    ("sac", "ent_coef", "auto_0.1", "auto_0.1"), ("sac", "ent_coef", "auto", "auto"), ("ppo", "gamma", 1, 1),
    ("dqn", "batch_size", 1, 1)])
def test_values_are_kept_as_config_yaml_has_them(algo, name, value, kept):
    found = preset(algo, "CartPole-v1", {"total_steps": 10, name: value})[name]
    assert (found, type(found)) == (kept, type(kept))


def test_ppo_needs_two_steps_to_normalise_advantages_over():
    with pytest.raises(UserError, match=r"needs n_steps x n_envs of 2 or more, found 1 x 1\. Fix: write for example "
                                        r"--set n_steps=16"):
        preset("ppo", "CartPole-v1", {"n_steps": 1, "n_envs": 1})
    for changes in ({"n_steps": 1}, {"n_steps": 1, "n_envs": 1, "normalize_advantage": False}):
        preset("ppo", "CartPole-v1", changes)


def test_a_preset_s_own_values_are_held_to_the_schema(monkeypatch):
    loaded = _load("ppo")
    loaded["defaults"]["vf_coef"] = -1
    monkeypatch.setattr("quarl.models.tasks.presets._load", lambda algo: loaded)
    with pytest.raises(UserError, match=r"vf_coef must be a number of 0 or more, found -1"):
        preset("ppo", "CartPole-v1")
