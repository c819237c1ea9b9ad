"""Observations that are no vector become one."""
import gymnasium
import numpy as np
import pytest
from gymnasium import spaces

from quarl.host.environments import environment
from quarl.host.environments.observations import flattened, tell_of_flattening
from tests.environments_of_users import PAIR


@pytest.mark.parametrize(("kind", "size", "expected"), [
    ("Dict", 4, lambda place: [place[0] <= 0, place[0] > 0, *place]),
    ("Parts", 4, lambda place: [*place, *(place > 0)]),
    ("Number", 3, lambda place: [0, 0, 1]),
    ("Bits", 4, lambda place: [1, 0, 0, 1]),
    ("Grid", 6, lambda place: [0, 0, 0, *place, 0]),
])
def test_flattened(kind, size, expected, capsys):
    env, plain = environment.make(f"Users-{kind}-v0"), environment.make("Users-Plain-v0")
    space = env.observation_space
    assert isinstance(space, spaces.Box) and space.shape == (size,)
    (first, _), (place, _) = env.reset(seed=3), plain.reset(seed=3)
    np.testing.assert_array_equal(first, np.float32(expected(place)))
    tell_of_flattening(env, "it")
    said = capsys.readouterr().out
    assert said.startswith("the observations of it, ") and said.endswith(f", are flattened into {size} numbers\n")


class Strange(spaces.Space):
    """A space of a user's own, of which Gymnasium knows nothing."""


@pytest.mark.parametrize("space", [spaces.Box(-1, 1, (2,)), spaces.Box(0, 255, (1, 8, 8), np.uint8),
                                   spaces.Box(0, 1, (8, 8, 3)), spaces.Graph(PAIR, None),
                                   spaces.Sequence(spaces.Discrete(2)), Strange()],
                         ids=lambda space: type(space).__name__)
def test_what_is_left_as_it_is(space, capsys):
    env = gymnasium.Env()
    env.observation_space = space
    assert flattened(env) is env
    tell_of_flattening(env, "it")
    assert capsys.readouterr().out == ""
