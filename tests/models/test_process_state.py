"""Nothing that we do changes the state of the process that it runs in."""
import logging
import os
import random
import signal
import subprocess
import sys
import warnings

import numpy as np
import pytest
import torch

from quarl.host.errors import UserError
from quarl.models.actors.bits import Bits
from quarl.models.export.package import export_run
from quarl.models.play.evaluate import evaluate
from quarl.models.process_state import process_state_kept
from quarl.models.ptq.quantise import PtqConfig, ptq
from quarl.models.runs.run_folder import load_run
from quarl.models.training import supervisor
from quarl.models.training.train import TrainConfig, train

SETTINGS = {"n_envs": 2, "n_steps": 16, "batch_size": 16, "net_arch": [8], "eval_episodes": 1, "eval_every": 64,
            "checkpoint_every": 64, "target_return": None}


def state():
    """All of the process's state that a library like ours might change."""
    import brevitas.config
    kind, keys, *rest = np.random.get_state()
    return {"threads": torch.get_num_threads(), "python": random.getstate(), "numpy": (kind, keys.tolist(), *rest),
            "torch": torch.get_rng_state().tolist(), "seed": torch.initial_seed(), "type": torch.get_default_dtype(),
            "gradients": torch.is_grad_enabled(), "deterministic": torch.are_deterministic_algorithms_enabled(),
            "cudnn": (torch.backends.cudnn.deterministic, torch.backends.cudnn.benchmark),
            "backward": torch.Tensor.backward, "loading": brevitas.config.REINIT_ON_STATE_DICT_LOAD,
            "numpy errors": np.geterr(), "numpy printing": np.get_printoptions(),
            "warnings": (list(warnings.filters), warnings.showwarning), "disabled": logging.root.manager.disable,
            "loggers": {name: (logger.level, list(logger.handlers), logger.propagate)
                        for name, logger in [("", logging.root), *logging.root.manager.loggerDict.items()]
                        if isinstance(logger, logging.Logger)},
            "environment": dict(os.environ), "folder": os.getcwd(), "path": list(sys.path), "hook": sys.excepthook,
            "streams": (sys.stdout, sys.stderr),
            "signals": {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}}


@pytest.fixture
def unusual():
    """A process with threads and seeds that are no default."""
    threads = torch.get_num_threads()
    with process_state_kept():
        torch.set_num_threads(2)
        for seed in (random.seed, np.random.seed, torch.manual_seed):
            seed(1234)
        np.random.standard_normal()             # of which it keeps a second
        torch.backends.cudnn.benchmark = True
        yield
    assert torch.get_num_threads() == threads


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """One of each has run before: what a library does as it is imported is its own."""
    folder = tmp_path_factory.mktemp("runs")
    train(TrainConfig("CartPole-v1", folder / "fp32", steps=128, settings=SETTINGS))
    train(TrainConfig("CartPole-v1", folder / "qat", bits=Bits(4, 4), steps=128, settings=SETTINGS))
    export_run(folder / "qat")
    return folder


@pytest.mark.parametrize("what", [
    lambda folder, out: train(TrainConfig("CartPole-v1", out, bits=Bits(4, 4), steps=256, settings=SETTINGS)),
    lambda folder, out: train(TrainConfig("CartPole-v1", out, bits=Bits(4, 4), steps=64, settings=SETTINGS,
                                          init=folder / "fp32")),
    lambda folder, out: ptq(PtqConfig(folder / "fp32", out, Bits(4, 4))),
    lambda folder, out: load_run(folder / "qat"),
    lambda folder, out: evaluate(folder / "qat", 2, 0, "torch"),
    lambda folder, out: evaluate(folder / "qat", 2, 0, "integer"),
    lambda folder, out: export_run(folder / "qat"),
], ids=["train", "train --init", "ptq", "load", "evaluate in torch", "evaluate in integers", "export"])
def test_it_is_as_before(folder, tmp_path, unusual, what):
    before = state()
    what(folder, tmp_path / "out")
    after = state()
    assert {name: after[name] for name in before if name != "loggers"} == {
        name: before[name] for name in before if name != "loggers"}
    assert {name: after["loggers"][name] for name in before["loggers"]} == before["loggers"]


@pytest.mark.parametrize("error", [UserError("a rule", "a value", "a fix"), KeyboardInterrupt()])
def test_it_is_as_before_a_training_that_failed(tmp_path, unusual, monkeypatch, error):
    def failing(*_):
        assert torch.get_num_threads() == 1
        raise error
    monkeypatch.setattr(supervisor.Supervisor, "_record", failing)
    before = state()
    with pytest.raises(type(error)):
        train(TrainConfig("CartPole-v1", tmp_path / "run", steps=128, settings=SETTINGS))
    assert state() == before


_IMPORT = """
import logging, sys, warnings
import brevitas.config, stable_baselines3, torch, tensorboard
before = list(warnings.filters), logging.getLogger("torch.utils.cpp_extension").level, vars(brevitas.config).copy()
import quarl.models.training.train, quarl.models.export.package
after = list(warnings.filters), logging.getLogger("torch.utils.cpp_extension").level, vars(brevitas.config).copy()
ours = [each for each in after[0] if each not in before[0] and "models" in str(each)]
sys.exit(str(ours) if ours else 0 if after[1:] == before[1:] else "changed")
"""


def test_an_import_changes_no_filter_level_or_setting():
    done = subprocess.run([sys.executable, "-c", _IMPORT], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_the_first_policy_says_nothing():
    """What the libraries remark about themselves, on import or first use, tells a user nothing."""
    done = subprocess.run([sys.executable, "-W", "always::UserWarning", "-c",
                           "from quarl.models.actors.bits import Bits\n"
                           "from quarl.models.export.random_policy import random_actor\n"
                           "random_actor((3, 4, 2), Bits(4, 4), 0)"], capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
