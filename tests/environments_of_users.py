"""Environments such as users write, with their faults: import it to have them registered, as ``Users-NAME-v0``."""
from __future__ import annotations

import gymnasium
import numpy as np
from gymnasium import spaces
from gymnasium.envs.registration import register

PAIR = spaces.Box(-1, 1, (2,), np.float32)


class Walk(gymnasium.Env):
    """Observes what ``see`` says of its place, two numbers, and ends after ``length`` steps, if at all.

    ``fails`` is where it raises ``error``: in ``init``, ``reset`` or ``step``.
    """

    def __init__(self, space=PAIR, see=lambda place: place, length=5, fails=None, error=None, scale=1.0, reward=1.0):
        self.observation_space, self.action_space = space, spaces.Discrete(2)
        self.see, self.length, self.fails, self.error = see, length, fails, error
        self.scale, self.reward = scale, reward
        self.fail("init")

    def fail(self, where):
        if where == self.fails:
            raise self.error

    def look(self):
        return self.see((self.np_random.uniform(-1, 1, 2) * self.scale).astype(np.float32))

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.fail("reset")
        self.taken = 0
        return self.look(), {}

    def step(self, action):
        self.taken += 1
        self.fail("step")
        return self.look(), self.reward, self.taken == self.length, False, {}


class Doubled(gymnasium.ObservationWrapper):
    """A user's wrapper."""

    def __init__(self, env, by=2.0):
        super().__init__(env)
        self.by = by

    def observation(self, observation):
        return observation * np.float32(self.by)


def as_dict(place):
    return {"b": place, "a": int(place[0] > 0)}


KINDS = {
    "Plain": {}, "Endless": {"length": None},
    "List": {"see": lambda place: place.tolist()}, "Tuple": {"see": lambda place: tuple(map(float, place))},
    "Double": {"see": lambda place: place.astype(np.float64)}, "Whole": {"see": lambda place: [1, 0]},
    "Wrong": {"see": lambda place: np.zeros(3, np.float32)}, "Words": {"see": lambda place: ["left", "right"]},
    "Nothing": {"see": lambda place: None},
    "Halves": {"space": spaces.Box(0, 9, (2,), np.int64), "see": lambda place: np.array([0.5, 1])},
    "Unmade": {"fails": "init", "error": OSError("no\nserial port")},
    "Unbegun": {"fails": "reset", "error": KeyError("goal")},
    "Broken": {"fails": "step", "error": ZeroDivisionError("division by zero")},
    "Silent": {"fails": "step", "error": AssertionError()},
    "Lacking": {"fails": "init", "error": ModuleNotFoundError("No module named 'serial'", name="serial")},
    "Nested": {"fails": "init", "error": gymnasium.error.NameNotFound("no Inner-v0")},
    "Unrewarded": {"reward": None},
    "Dict": {"space": spaces.Dict({"b": PAIR, "a": spaces.Discrete(2)}), "see": as_dict},
    "Parts": {"space": spaces.Tuple((PAIR, spaces.MultiBinary(2))),
              "see": lambda place: (place, (place > 0).astype(np.int8))},
    "Number": {"space": spaces.Discrete(3), "see": lambda place: 2},
    "Bits": {"space": spaces.MultiBinary(4), "see": lambda place: np.array([1, 0, 0, 1], np.int8)},
    "Grid": {"space": spaces.Box(-1, 1, (2, 3), np.float32), "see": lambda place: [[0, 0, 0], [*place, 0]]},
}
for name, made_with in KINDS.items():
    register(f"Users-{name}-v0", entry_point=lambda made_with=made_with, **others: Walk(**made_with, **others))
