"""A session with ``import quarl`` as in a notebook, in a process of its own: what each call changes in the process.

    python -m tests.face_session FOLDER

Trains, quantises, builds and plays below FOLDER, and prints one JSON object: call -> what it changed, as text.
"""
from __future__ import annotations

import json
import logging
import os
import random
import signal
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import torch

import quarl

SMALL: dict[str, Any] = {"steps": 512, "settings": {"net_arch": [8, 8]}}


def snapshot() -> dict[str, Any]:
    """What a session of the user's own may depend on."""
    loggers = [logging.getLogger(), *(each for each in logging.Logger.manager.loggerDict.values()
                                      if isinstance(each, logging.Logger))]
    return {
        "torch threads": torch.get_num_threads(), "torch rng": torch.get_rng_state().tolist(),
        "torch dtype": str(torch.get_default_dtype()), "torch grad": torch.is_grad_enabled(),
        "torch deterministic": torch.are_deterministic_algorithms_enabled(),
        "numpy rng": str(np.random.get_state(legacy=False)), "numpy errors": np.geterr(), "rng": random.getstate(),
        "numpy print": str(np.get_printoptions()),
        "warnings": [str(each) for each in warnings.filters], "showwarning": str(warnings.showwarning),
        "loggers": {each.name: (each.level, each.disabled, each.propagate) for each in loggers},
        "logging": (logging.root.manager.disable, str(logging.root.handlers)),
        "signals": {number.name: str(signal.getsignal(number)) for number in signal.valid_signals()
                    if isinstance(number, signal.Signals)},
        "cwd": os.getcwd(), "environ": dict(os.environ), "sys.path": [*sys.path],
        "streams": [id(sys.stdout), id(sys.stderr)], "hooks": [str(sys.excepthook), str(sys.displayhook)],
        "recursion": sys.getrecursionlimit(),
    }


def changed(before: dict[str, Any], after: dict[str, Any]) -> list[str]:
    """What differs. A library's own logger, there only since the call, is its own affair."""
    found = []
    for name, old in before.items():
        new = after[name]
        if isinstance(old, dict):
            keys = old if name == "loggers" else {**old, **new}
            found += [f"{name} {key}: {old.get(key)} → {new.get(key)}" for key in keys if old.get(key) != new.get(key)]
        elif old != new:
            found.append(f"{name}: {str(old)[:200]} → {str(new)[:200]}")
    return found


def calls(folder: Path) -> dict[str, Callable[[], Any]]:
    """The functions of the face, in an order that works, each with paths as text or as ``Path``."""
    trained, fp32, rounded = str(folder / "trained"), folder / "fp32", folder / "rounded"
    env = gymnasium.make("CartPole-v1")
    observation, _ = env.reset(seed=0)

    def act() -> None:
        with quarl.open_device(trained) as device:
            device.act(observation)

    def predict() -> None:
        with quarl.open_device(trained) as device:
            quarl.Predictor(device).predict(observation)

    return {
        "train": lambda: quarl.train("CartPole-v1", trained, bits=quarl.Bits(3, 3, 6), seed=1, **SMALL),
        "train in fp32": lambda: quarl.train("CartPole-v1", fp32, bits=None, seed=1, **SMALL),
        "ptq": lambda: quarl.ptq(fp32, rounded),
        "export": lambda: quarl.export(trained),
        "evaluate in torch": lambda: quarl.evaluate(trained, "torch", episodes=2),
        "evaluate in integers": lambda: quarl.evaluate(trained, episodes=2),
        "build": lambda: quarl.build(trained),
        "open_device": act,
        "Predictor": predict,
        "play": lambda: quarl.play(trained, settings=quarl.Settings(episodes=2, shadow=1.0)),
        "read_run": lambda: quarl.read_run(trained),
        "read_policy": lambda: quarl.read_policy(trained),
        "write_report": lambda: quarl.write_report(trained),
    }


def main(folder: Path) -> dict[str, list[str]]:
    """Each call in turn."""
    random.seed(1001)       # seeds that no call takes itself
    np.random.seed(1002)
    torch.manual_seed(1003)
    torch.set_num_threads(2)
    warnings.filterwarnings("error", category=SyntaxWarning)
    folder.mkdir(parents=True, exist_ok=True)
    os.chdir(folder)
    found = {}
    for name, make in calls(folder).items():
        before = snapshot()
        make()
        found[name] = changed(before, snapshot())
    return found


if __name__ == "__main__":
    result = main(Path(sys.argv[1]).resolve())
    print(json.dumps(result))
