"""Point-to-point navigation: drive a small robot past random obstacles to a goal, by range sensors alone.

QuaRL (arXiv 1910.01055) has this case: a navigation policy quantised for the computer that a robot carries.
It is here as a task of our own that needs numpy alone, so that it runs on the board too.

The robot is a unicycle in a square room; its motors follow the commanded speeds with a first-order lag. Every reset
draws another room. Obstacles keep a passage free between each other, to the walls, the start and the goal, so the
robot's free space is in one piece and every room can be solved.

The actions are five commands, ``Discrete(5)``: straight on, two curves and two turns on the spot. They suffice to
steer around a circle, a policy over them ends in an argmax, so that nothing of its output has to be scaled on the
board, and DQN can be trained on them as well as PPO.
"""
from __future__ import annotations

import cmath
import functools
import math
from typing import Any, ClassVar, Dict, List, Tuple

import numpy as np

ID = "Navigation-v0"
STEPS = 200                            # time limit; the straight way across takes about 60
STEP = 0.2                             # seconds
HALF = 4.0                             # metres from the room's centre to its walls
RADIUS = 0.2                           # of the robot
GOAL = 0.4                             # metres from the goal that count as having reached it
PASSAGE = 2 * RADIUS + 0.2             # least width of any gap
OBSTACLES = 8
SIZES = (0.3, 0.8)                     # radii of the obstacles
REACH = 3.0                            # of the range sensors, measured from the robot's centre
BEAMS = np.exp(1j * np.linspace(-0.5, 0.5, 8) * math.pi)             # directions in the robot's frame, right to left
COMMANDS = ((1.0, 0.0), (0.7, 1.0), (0.7, -1.0), (0.0, 1.0), (0.0, -1.0))      # forward, turn: fractions of the most
FORWARD, TURN = 1.0, 1.5               # most metres and radians per second
LAG = 0.5                              # of the way to the commanded speed is made in one step
PIXELS = 200


def ranges(position: complex, heading: complex, centres: np.ndarray, radii: np.ndarray) -> np.ndarray:
    """Distances float64 [8] along :data:`BEAMS` to the nearest wall or circle, at most :data:`REACH`.

    Points of the plane are complex numbers: ``heading`` is a unit vector, ``centres`` complex128 [K], ``radii`` [K].
    """
    beams, apart = (BEAMS * heading).view(np.float64).reshape(-1, 2), centres - position
    along = beams @ apart.view(np.float64).reshape(-1, 2).T          # [8, K]: how far along a beam a centre lies
    half_chord = along * along + (radii * radii - np.abs(apart) ** 2)      # squared; negative: the beam passes by
    met = (half_chord >= 0) & (along > 0)
    circles = np.minimum.reduce(along - np.sqrt(np.abs(half_chord)), axis=1, initial=REACH, where=met)
    to_walls = HALF - position.real, HALF - position.imag, HALF + position.real, HALF + position.imag
    closing = np.concatenate((beams, -beams), axis=1) / to_walls     # [8, 4]: per metre, the share of the way to a wall
    return np.minimum(circles, 1 / closing.max(axis=1))


def layout(rng: np.random.Generator) -> Tuple[complex, complex, np.ndarray, np.ndarray]:
    """A random room: start, goal, obstacle centres complex128 [K] and radii float64 [K]."""
    while True:
        found = _try_layout(rng)
        if len(found) == OBSTACLES + 2:
            centres, radii = np.array([centre for centre, _ in found]), np.array([radius for _, radius in found])
            return complex(centres[0]), complex(centres[1]), centres[2:], radii[2:]


def _try_layout(rng: np.random.Generator) -> List[Tuple[complex, float]]:
    """Start, goal, then circles, each a passage away from all the others; fewer than asked for where it got tight."""
    found: List[Tuple[complex, float]] = []
    sizes, places = rng.uniform(*SIZES, 200).tolist(), rng.uniform(-1, 1, (200, 2)).tolist()
    for size, (x, y) in zip(sizes, places):
        radius = size if len(found) >= 2 else 0.0
        inside = HALF - PASSAGE - radius
        place = complex(x, y) * inside
        apart = HALF if len(found) == 1 else PASSAGE                 # the goal is never next to the start
        if all(abs(place - other) >= apart + radius + other_radius for other, other_radius in found):
            found.append((place, radius))
            if len(found) == OBSTACLES + 2:
                break
    return found


class Room:
    """One episode: the room, the robot's pose and its speeds. ``act`` moves it on, ``observe`` tells what it senses."""

    low = np.array([0] * len(BEAMS) + [0, -1, -1, 0, -1], np.float32)
    high = np.ones(len(BEAMS) + 5, np.float32)

    def __init__(self, rng: np.random.Generator):
        self.position, self.goal, self.centres, self.radii = layout(rng)
        self.heading = cmath.exp(1j * rng.uniform(-math.pi, math.pi))
        self.forward = self.turn = 0.0
        self.distance = abs(self.goal - self.position)

    def act(self, action: int) -> None:
        """One step of the unicycle under command ``action``: midpoint rule, exact for straight lines and turns."""
        forward, turn = COMMANDS[action]
        self.forward += LAG * (forward * FORWARD - self.forward)
        self.turn += LAG * (turn * TURN - self.turn)
        half_turn = cmath.exp(0.5j * self.turn * STEP)
        self.position += self.forward * STEP * self.heading * half_turn
        self.heading *= half_turn * half_turn
        self.heading /= abs(self.heading)                            # or rounding would let it drift off length 1
        self.distance = abs(self.goal - self.position)

    def observe(self) -> np.ndarray:
        """Float32 [13]: 8 ranges, the goal's distance, cosine and sine in the robot's frame, both speeds; scaled."""
        bearing = (self.goal - self.position) / (self.distance or 1.0) * self.heading.conjugate()
        values = np.empty(len(self.low), np.float32)
        values[:len(BEAMS)] = ranges(self.position, self.heading, self.centres, self.radii) / REACH
        values[len(BEAMS):] = (self.distance / (3 * HALF), bearing.real, bearing.imag, self.forward / FORWARD,
                               self.turn / TURN)
        return values

    def collided(self) -> bool:
        """Whether the robot's disc touches a wall or an obstacle."""
        if max(abs(self.position.real), abs(self.position.imag)) > HALF - RADIUS:
            return True
        return bool(np.count_nonzero(np.abs(self.centres - self.position) < self.radii + RADIUS))

    def draw(self) -> np.ndarray:
        """The room from above, uint8 [200, 200, 3]: obstacles dark, goal green, robot blue, where it looks red."""
        axis = (np.arange(PIXELS) + 0.5) / PIXELS * 2 * HALF - HALF
        plane = axis + 1j * axis[::-1, None]
        image = np.full((PIXELS, PIXELS, 3), 255, np.uint8)
        for centre, radius in zip(self.centres, self.radii):
            image[np.abs(plane - centre) < radius] = (70, 70, 70)
        nose = self.position + RADIUS * self.heading
        for centre, radius, colour in ((self.goal, GOAL, (60, 180, 75)), (self.position, RADIUS, (0, 90, 200)),
                                       (nose, RADIUS / 2, (220, 50, 30))):
            image[np.abs(plane - centre) < radius] = colour
        return image


@functools.lru_cache(maxsize=None)
def environment_class() -> Any:
    """The :class:`gymnasium.Env` around :class:`Room`; a function, because the board imports gymnasium only to play.

    Reward: metres of progress towards the goal, +5 at the goal, -5 in a collision, -0.02 a step. Both end the
    episode; ``info["is_success"]`` says which, under the name that stable-baselines3 logs. The time limit is
    :data:`STEPS`, by the registration.
    """
    import gymnasium
    from gymnasium import spaces

    class Navigation(gymnasium.Env):  # type: ignore[misc, type-arg, unused-ignore]
        metadata: ClassVar[Dict[str, Any]] = {"render_modes": ["rgb_array"], "render_fps": round(1 / STEP)}

        def __init__(self, render_mode: Any = None):
            self.render_mode = render_mode
            self.observation_space = spaces.Box(Room.low, Room.high)
            self.action_space = spaces.Discrete(len(COMMANDS))

        def reset(self, *, seed: Any = None, options: Any = None) -> Tuple[np.ndarray, Dict[str, Any]]:
            super().reset(seed=seed)
            self.room = Room(self.np_random)
            return self.room.observe(), {"is_success": False}

        def step(self, action: Any) -> Tuple[np.ndarray, float, bool, bool, Dict[str, Any]]:
            room = self.room
            before = room.distance
            room.act(int(action))
            collided = room.collided()
            arrived = not collided and room.distance < GOAL
            reward = before - room.distance + 5.0 * arrived - 5.0 * collided - 0.02
            return room.observe(), reward, collided or arrived, False, {"is_success": arrived}

        def render(self) -> Any:
            return self.room.draw() if self.render_mode == "rgb_array" else None

    return Navigation


def make(render_mode: Any = None) -> Any:
    """The environment, without its time limit: the entry point that ``environments.environment`` registers."""
    return environment_class()(render_mode=render_mode)
