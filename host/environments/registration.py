"""Where an environment of a name comes from: our own, Atari's, or a module of the user's, ``module:Env-v0``."""
from __future__ import annotations

import difflib
import importlib
import os
import sys
from typing import Any, List, Tuple

from quarl.host.environments import navigation
from quarl.host.environments.faults import fault
from quarl.host.errors import UserError

RULE = "the task must be an installed Gymnasium environment"
ATARI = "ale_py.env:AtariEnv"
_ATARI_PACKAGES = "install the Atari games: pip install ale-py opencv-python-headless"


def split(task: str) -> Tuple[str, str]:
    """The module, empty where none is named, and the id of ``task``."""
    module, _, name = task.rpartition(":")
    return module, name


def register(task: str) -> None:
    """Make known what ``task`` may name: our own environment, Atari's, which ale-py registers, or a module's.

    Raises :class:`UserError` for a module that cannot be imported.
    """
    from gymnasium.envs.registration import register as register_one
    from gymnasium.envs.registration import registry
    if navigation.ID not in registry:
        register_one(navigation.ID, "quarl.host.environments.navigation:make", max_episode_steps=navigation.STEPS)
    module, name = split(task)
    if ":" in task:
        load(module, "the module of the task %s" % task)
    elif name not in registry:
        try:
            importlib.import_module("ale_py")
        except ImportError:
            return


def load(module: str, what: str) -> Any:
    """The ``module``, which is ``what`` to the user. Raises :class:`UserError` where it cannot be imported.

    The working folder counts as it does for ``python -m``, but after all else, so that a module in it hides no other.
    """
    try:
        here = os.getcwd()
    except FileNotFoundError:                 # the working folder was deleted
        here = ""
    if here and here not in sys.path:
        sys.path.append(here)
    importlib.invalidate_caches()
    rule = "%s must be importable" % what
    if not all(part.isidentifier() for part in module.split(".")):
        raise UserError(rule, repr(module), "name a module, as in maze:Maze-v0")
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        if error.name is None or not (module + ".").startswith(error.name + "."):
            raise fault(rule, error) from error
        raise UserError(rule, "no module %s in %s or on Python's path" % (error.name, here or "no folder"),
                        "run quarl where %s.py lies, install it, or put its folder on PYTHONPATH"
                        % error.name) from error
    except (Exception, SystemExit) as error:
        raise fault(rule, error) from error


def names_atari(task: str) -> bool:
    """Whether the id is one of Atari's, known or not."""
    return task.startswith("ALE/") or "NoFrameskip-v" in task


def is_atari(task: str) -> bool:
    """Whether ``task`` is a known game of Atari."""
    from gymnasium.envs.registration import registry
    name = split(task)[1]
    return name in registry and registry[name].entry_point == ATARI


def unknown(task: str, error: Exception) -> UserError:
    """The error for a task that Gymnasium does not make: of an unknown id, or of what an environment needs.

    It names the ids that are near, those of its module where it has one.
    """
    import gymnasium
    from gymnasium.envs.registration import registry
    module, name = split(task)
    missing = isinstance(error, gymnasium.error.DependencyNotInstalled)
    if name in registry and not missing and not is_atari(task):      # it is known; what fails is its own
        return fault("the environment %s must be made without an error" % task, error)
    if module and not missing:
        return _unknown_in_module(task, module, name)
    near = difflib.get_close_matches(task, list(registry), 3, 0.5)
    fix = "use one of %s" % ", ".join(near) if near else "list them with gymnasium.pprint_registry()"
    same = [each for each in registry if each.lower() == task.lower() and each != task]
    if same:
        fix = "did you mean %s" % " or ".join(same)
    if missing:
        fix = _ATARI_PACKAGES if is_atari(task) else "install what it needs: pip install 'gymnasium[all]'"
    elif names_atari(task) and not any(map(is_atari, list(registry))):
        fix = _ATARI_PACKAGES
    return UserError(RULE, "%s (%s)" % (task, error), fix)


def _unknown_in_module(task: str, module: str, name: str) -> UserError:
    where = getattr(sys.modules.get(module), "__file__", None) or "no file"
    own = _registered_by(module)
    near = difflib.get_close_matches(name, own, 3, 0.5) or own[:3]
    return UserError(RULE, "%s (the module is %s and registers %s)" % (task, where, ", ".join(own[:6]) or "nothing"),
                     "use one of %s" % ", ".join("%s:%s" % (module, each) for each in near) if near else
                     "register the environment in the module, or rename the module if that is another one than yours")


def _registered_by(module: str) -> List[str]:
    """The ids whose environments are made by something in the module or in its package."""
    from gymnasium.envs.registration import registry
    package = module.partition(".")[0]

    def home(entry: Any) -> str:
        return entry if isinstance(entry, str) else getattr(entry, "__module__", None) or ""

    return [name for name, spec in registry.items()
            if home(spec.entry_point).replace(":", ".").partition(".")[0] == package]
