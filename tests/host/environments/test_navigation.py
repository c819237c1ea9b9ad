"""The navigation task: its geometry against a slow search along each ray, its rooms, its episodes."""
import warnings

import gymnasium
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env
from hypothesis import given, settings
from hypothesis import strategies as st

from quarl.host.environments import environment, navigation
from quarl.host.environments.navigation import GOAL, HALF, OBSTACLES, PASSAGE, RADIUS, REACH, SIZES, Room

STRAIGHT, LEFT_CURVE, RIGHT_CURVE, LEFT, RIGHT = range(5)
NOTHING = np.empty(0, np.complex128), np.empty(0)


def room(position=0j, heading=1 + 0j, goal=3 + 0j, obstacles=()):
    """A room made by hand; obstacles are pairs of centre and radius."""
    made = Room(np.random.default_rng(0))
    made.position, made.heading, made.goal = position, heading, goal
    made.centres = np.array([centre for centre, _ in obstacles], np.complex128)
    made.radii = np.array([radius for _, radius in obstacles], np.float64)
    made.distance = abs(goal - position)
    return made


def playing(made):
    """The environment in the middle of ``made``."""
    env = navigation.make()
    env.reset(seed=0)
    env.room = made
    return env


def marched(position, heading, centres, radii, step=1e-3):
    """Ranges found by walking along every beam until something is in the way."""
    walked = np.arange(0, REACH, step)
    found = []
    for beam in navigation.BEAMS * heading:
        points = position + walked * beam
        met = np.maximum(np.abs(points.real), np.abs(points.imag)) > HALF
        for centre, radius in zip(centres, radii, strict=True):
            met |= np.abs(points - centre) < radius
        found.append(walked[met.argmax()] if met.any() else REACH)
    return np.array(found)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2 ** 32 - 1))
def test_ranges_equal_a_walk_along_each_beam(seed):
    made = Room(np.random.default_rng(seed))
    place = made.position, made.heading, made.centres, made.radii
    # A beam that only just grazes a circle may be seen by one of the two: a walk in steps can miss a short chord.
    difference = np.abs(navigation.ranges(*place) - marched(*place))
    assert np.count_nonzero(difference > 2e-3) <= 1 and np.median(difference) <= 2e-3


def test_ranges_by_hand():
    ahead, left = np.array([2 + 0j]), np.array([2j])
    assert navigation.ranges(0j, 1 + 0j, *NOTHING).tolist() == [REACH] * 8
    assert navigation.ranges(2.5 + 0j, 1j, *NOTHING)[0] == pytest.approx(1.5)           # the wall on its right
    assert navigation.ranges(0j, 1 + 0j, left, np.array([0.5]))[7] == pytest.approx(1.5)
    assert navigation.ranges(0j, -1 + 0j, ahead, np.array([0.5])).tolist() == [REACH] * 8      # behind it
    middle = navigation.BEAMS[3]
    assert navigation.ranges(0j, middle.conjugate(), ahead, np.array([0.5]))[3] == pytest.approx(1.5)


def test_the_nearest_of_several_counts():
    nearest = navigation.ranges(0j, 1j, np.array([1.5 + 0j, 2.5 + 0j, 1.2j]), np.array([0.5, 0.5, 0.2]))
    assert nearest[0] == pytest.approx(1.0)


@pytest.mark.parametrize("seed", range(30))
def test_every_room_can_be_solved(seed):
    """Gaps of a passage all around each obstacle leave the robot's free space in one piece."""
    made = Room(np.random.default_rng(seed))
    centres, radii = made.centres, made.radii
    assert len(centres) == len(radii) == OBSTACLES
    assert radii.min() >= SIZES[0] and radii.max() <= SIZES[1]
    assert np.maximum(np.abs(centres.real), np.abs(centres.imag)).max() <= HALF - PASSAGE - radii.min()
    assert (np.maximum(np.abs(centres.real), np.abs(centres.imag)) + radii).max() <= HALF - PASSAGE + 1e-9
    gaps = np.abs(centres[:, None] - centres) - radii[:, None] - radii + np.diag([np.inf] * OBSTACLES)
    assert gaps.min() >= PASSAGE - 1e-9 > 2 * RADIUS
    for place in (made.position, made.goal):
        assert (np.abs(centres - place) - radii).min() >= PASSAGE - 1e-9
        assert max(abs(place.real), abs(place.imag)) <= HALF - PASSAGE
    assert made.distance == abs(made.goal - made.position) >= HALF
    assert not made.collided()


def test_seeds_decide_the_room():
    env = navigation.make()
    first, again, other = (env.reset(seed=seed)[0] for seed in (1, 1, 2))
    following = env.reset()[0]
    assert np.array_equal(first, again) and not np.array_equal(first, other)
    env.reset(seed=2)
    assert np.array_equal(env.reset()[0], following) and not np.array_equal(following, other)


def test_commands_move_the_robot():
    straight, curve, turn = room(), room(), room()
    for _ in range(20):
        straight.act(STRAIGHT)
        curve.act(LEFT_CURVE)
        turn.act(RIGHT)
    assert straight.heading == 1 and straight.position.imag == 0
    assert straight.position.real == pytest.approx(0.2 * 20 - 0.2)           # one step behind, by the motors' lag
    assert curve.position.imag > 0 and curve.turn == pytest.approx(1.5) and curve.forward == pytest.approx(0.7)
    assert turn.position == 0 and turn.turn == pytest.approx(-1.5)
    assert abs(np.angle(turn.heading / np.exp(-1.5j * 0.2 * 19))) < 1e-5


def test_curves_are_circles():
    made, places = room(), []
    made.forward, made.turn = 0.7, 1.0 * navigation.TURN
    for _ in range(40):
        made.act(LEFT_CURVE)
        places.append(made.position)
    distances = np.abs(np.array(places) - made.position)
    assert distances.max() == pytest.approx(2 * 0.7 / 1.5, rel=0.01)


def test_mirrored_commands_mirror_the_way():
    left, right = room(), room()
    for a, b in ((LEFT_CURVE, RIGHT_CURVE), (LEFT, RIGHT), (STRAIGHT, STRAIGHT)):
        left.act(a)
        right.act(b)
    assert left.position == right.position.conjugate() and left.heading == right.heading.conjugate()


def test_observation_by_hand():
    made = room(position=0j, heading=1j, goal=-3 + 0j, obstacles=[(2 + 0j, 0.5)])
    made.forward, made.turn = 0.5, -0.75
    seen = made.observe()
    assert seen.dtype == np.float32 and seen.shape == (13,)
    assert seen[0] == pytest.approx(0.5) and seen[7] == 1                    # circle to the right, nothing to the left
    assert seen[8:] == pytest.approx([0.25, 0, 1, 0.5, -0.5], abs=1e-6)      # the goal 3 m to the left


@pytest.mark.parametrize("obstacle, hit", [((0.55 + 0j, 0.3), False), ((0.49 + 0j, 0.3), True)])
def test_collisions_with_obstacles(obstacle, hit):
    assert room(obstacles=[obstacle]).collided() is hit


@pytest.mark.parametrize("place", [3.81 + 0j, -3.81 + 0j, 3.81j, -3.81j])
def test_collisions_with_walls(place):
    assert room(position=place).collided()
    assert not room(position=place * 0.99).collided()


def test_reaching_the_goal_ends_the_episode():
    env = playing(room(position=2.55 + 0j))
    env.room.forward = 1.0
    _, reward, terminated, truncated, info = env.step(STRAIGHT)
    assert (terminated, truncated, info) == (True, False, {"is_success": True})
    assert reward == pytest.approx(0.2 + 5 - 0.02)


def test_a_collision_ends_the_episode():
    env = playing(room(position=3.7j, heading=1j))
    env.room.forward = 1.0
    _, reward, terminated, truncated, info = env.step(STRAIGHT)
    assert (terminated, truncated, info) == (True, False, {"is_success": False})
    assert reward == pytest.approx(abs(3 - 3.7j) - abs(3 - 3.9j) - 5 - 0.02)


def test_a_collision_beside_the_goal_is_no_success():
    env = playing(room(position=0j, goal=GOAL / 2 + 0j, obstacles=[(0.5 + 0j, 0.29)]))
    env.room.forward = 1.0
    assert env.step(STRAIGHT)[4] == {"is_success": False}


def test_the_time_limit_truncates():
    env = environment.make("Navigation-v0")
    env.reset(seed=0)
    for step in range(1, navigation.STEPS + 1):
        _, _, terminated, truncated, info = env.step(LEFT)                   # turns on the spot
        assert not terminated and info["is_success"] is False
        assert truncated is (step == navigation.STEPS)


def test_rewards_add_up_to_the_way_made():
    env = playing(room(position=-3 + 0j))
    rewards = [env.step(STRAIGHT)[1] for _ in range(15)]
    assert sum(rewards) == pytest.approx(6 - env.room.distance - 0.02 * 15)


@pytest.mark.parametrize("seed", range(10))
def test_observations_stay_in_their_space(seed):
    env = environment.make("Navigation-v0")
    env.action_space.seed(seed)
    observation, done = env.reset(seed=seed)[0], False
    while not done:
        assert env.observation_space.contains(observation)
        observation, _, terminated, truncated, _ = env.step(env.action_space.sample())
        done = terminated or truncated
    assert env.observation_space.contains(observation)


def test_gymnasium_finds_no_fault():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        check_env(environment.make("Navigation-v0").unwrapped)


def test_stable_baselines3_finds_no_fault():
    checker = pytest.importorskip("stable_baselines3.common.env_checker")
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        checker.check_env(navigation.make(), warn=True)


def test_it_is_a_gymnasium_environment_of_two_ends():
    env = navigation.make()
    assert isinstance(env, gymnasium.Env) and type(navigation.make()) is type(env)
    assert env.observation_space.shape == (13,) and env.observation_space.dtype == np.float32
    assert env.action_space == gymnasium.spaces.Discrete(5)
    env.reset(seed=0)
    assert env.render() is None


def test_the_picture_shows_robot_goal_and_obstacles():
    env = navigation.make(render_mode="rgb_array")
    env.reset(seed=0)
    env.room = room(position=-2 + 2j, goal=2 + 2j, obstacles=[(0j, 0.5)])
    image = env.render()
    assert image.dtype == np.uint8 and image.shape == (200, 200, 3)
    at = {"robot": (50, 48), "goal": (50, 150), "obstacle": (100, 100), "floor": (180, 20)}
    assert {name: image[place].tolist() for name, place in at.items()} == {
        "robot": [0, 90, 200], "goal": [60, 180, 75], "obstacle": [70, 70, 70], "floor": [255, 255, 255]}
