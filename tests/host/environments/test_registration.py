"""Environments in a module of the user's, ``module:Env-v0``."""
import sys

import pytest

from quarl.host.environments import environment
from quarl.host.errors import UserError

MAZE = """
from gymnasium.envs.registration import register
register("{name}-v0", entry_point="{module}:make")
register("{name}Large-v0", entry_point="{module}:make")

def make(**kwargs):
    from tests.environments_of_users import Walk
    return Walk(**kwargs)
"""


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A working folder; what is imported from it is forgotten."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [each for each in sys.path if each])
    before = set(sys.modules)
    yield tmp_path
    for name in set(sys.modules) - before:
        if str(tmp_path) in str(getattr(sys.modules[name], "__file__", "")):
            del sys.modules[name]


def test_a_module_in_the_working_folder(here):
    (here / "maze_a.py").write_text(MAZE.format(name="MazeA", module="maze_a"))
    assert environment.make("maze_a:MazeA-v0").reset(seed=0)[0].shape == (2,)
    assert sys.path[-1] == str(here)


def test_a_package_in_the_working_folder(here):
    (here / "mazes").mkdir()
    (here / "mazes" / "__init__.py").write_text("")
    (here / "mazes" / "small.py").write_text(MAZE.format(name="MazeB", module="mazes.small"))
    assert environment.make("mazes.small:MazeB-v0").reset(seed=0)[0].shape == (2,)


def test_it_hides_no_module_that_is_there(here):
    for name in ("json", "quarl", "numpy"):
        (here / f"{name}.py").write_text("raise RuntimeError('the wrong one')")
    with pytest.raises(UserError) as caught:
        environment.make("json:Maze-v0")
    import json
    assert f"the module is {json.__file__} and registers nothing" in caught.value.found
    assert "rename the module" in caught.value.fix


def test_plain_ids_leave_the_path_alone(here):
    environment.make("CartPole-v1")
    assert str(here) not in sys.path


def test_a_name_that_the_module_does_not_register(here):
    (here / "maze_c.py").write_text(MAZE.format(name="MazeC", module="maze_c"))
    with pytest.raises(UserError, match="registers MazeC-v0, MazeCLarge-v0") as caught:
        environment.make("maze_c:MaseC-v0")
    assert caught.value.fix.startswith("use one of maze_c:MazeC-v0")


@pytest.mark.parametrize(("module", "found", "fix"), [
    ("no_such_maze", "no module no_such_maze in ", "run quarl where no_such_maze.py lies"),
    ("maze_d.inner", "no module maze_d in ", "run quarl where maze_d.py lies"),
    ("", "''", "name a module"),
    ("no maze", "'no maze'", "name a module"), (".maze", "'.maze'", "name a module"), ("..", "'..'", "name a module"),
])
def test_a_module_that_is_not_there(here, module, found, fix):
    with pytest.raises(UserError) as caught:
        environment.make(f"{module}:Maze-v0")
    assert caught.value.rule == f"the module of the task {module}:Maze-v0 must be importable"
    assert caught.value.found.startswith(found) and caught.value.fix.startswith(fix)


@pytest.mark.parametrize(("text", "found"), [
    ("import no_such_package", "ModuleNotFoundError: No module named 'no_such_package' (maze_"),
    ("def broken(:", "SyntaxError: invalid syntax"), ("1 / 0", "ZeroDivisionError: division by zero (maze_"),
    ("import sys; sys.exit(0)", "SystemExit: 0 (maze_"),
])
def test_a_module_that_fails(here, text, found):
    name = "maze_%d" % abs(hash(text))
    (here / f"{name}.py").write_text(text)
    with pytest.raises(UserError) as caught:
        environment.make(f"{name}:Maze-v0")
    assert caught.value.rule == f"the module of the task {name}:Maze-v0 must be importable"
    assert caught.value.found.startswith(found)
