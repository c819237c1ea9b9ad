"""Reading a study's YAML file."""
from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from build_flows.study.grid import EPISODES, INPUT_BITS, PRECISION, Point, Row, Study
from host.errors import UserError
from host.files import PathLike

_STUDY = ("name", "episodes", "seeds", "precisions", "rl_zoo", "groups")
_GROUP = ("part", "tasks", "algos", "precisions", "seeds", "steps", "input_bits", "per_channel")
CORE = "core"


def read_study(path: PathLike) -> Study:
    """The study that the file describes. Raises :class:`UserError` for a file that describes none."""
    path = Path(path)
    found = _keys(_yaml(path), _STUDY, f"{path}")
    name = found.get("name", path.stem)
    if not isinstance(name, str) or not re.fullmatch(r"[\w.-]+", name):
        raise UserError("a study's name must consist of letters, digits, points and dashes", name, "name it otherwise")
    episodes = _whole("episodes", found.get("episodes", EPISODES), 1)
    rows = [row for number, group in enumerate(_list(found.get("groups")), 1)
            for row in _rows({**_shared(found), **_keys(group, _GROUP, f"group {number} of {path}")}, episodes, path)]
    if not rows:
        raise UserError("a study must have at least one point", f"none in {path}",
                        "give it a group: {tasks: CartPole-v1, algos: ppo, precisions: [fp32, qat4], seeds: 0}")
    return Study(name, tuple(rows), _returns(found.get("rl_zoo", {})))


def _yaml(path: Path) -> Any:
    import yaml
    try:
        return yaml.safe_load(path.read_text())
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise UserError("a study must be a readable YAML file", " ".join(str(error).split()),
                        "see studies/quarl.yaml for one") from error


def _keys(found: Any, known: tuple[str, ...], where: str) -> dict[str, Any]:
    if not isinstance(found, dict):
        raise UserError(f"{where} must be a mapping with the keys " + ", ".join(known), found,
                        "see studies/quarl.yaml for one")
    for key in found:
        if key not in known:
            near = difflib.get_close_matches(str(key), known, 1, 0.4)
            raise UserError(f"a key of {where} must be one of " + ", ".join(known), key,
                            f"write {near[0]}" if near else "remove it")
    return found


def _shared(found: Mapping[str, Any]) -> dict[str, Any]:
    """What every group has unless it says otherwise."""
    return {key: found[key] for key in ("seeds", "precisions") if key in found}


def _list(value: Any) -> list[Any]:
    return [] if value is None else value if isinstance(value, list) else [value]


def _whole(key: str, value: Any, least: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise UserError(f"{key} must be a whole number of {least} or more", value, f"write {key}: {max(least, 1)}")
    return value


def _names(key: str, group: Mapping[str, Any]) -> list[str]:
    names = _list(group.get(key))
    for name in names:
        if not isinstance(name, str):
            raise UserError(f"{key} must be a name or a list of names", name, f"see `{key}` in studies/quarl.yaml")
    return names


def _precisions(group: Mapping[str, Any]) -> Iterable[str]:
    for precision in _names("precisions", group):
        if not PRECISION.fullmatch(precision):
            raise UserError("a precision must be fp32, fp16, ptqN or qatN with N from 2 to 8", precision,
                            "write for example qat4")
        yield precision


def _rows(group: Mapping[str, Any], episodes: int, path: Path) -> Iterable[Row]:
    """The rows of a group that have points."""
    seeds = [_whole("seeds", seed, 0) for seed in _list(group.get("seeds", [0]))]
    precisions = list(_precisions(group))
    for task in _names("tasks", group):
        for algo in _names("algos", group):
            settings = _settings(algo, task, group, path)
            points = [_point(task, algo, precision, seed, settings, group, episodes)
                      for seed in seeds for precision in precisions]
            if points:
                yield Row(str(group.get("part", CORE)), task, algo, _note(group), tuple(dict.fromkeys(points)))


def _point(task: str, algo: str, precision: str, seed: int, settings: dict[str, Any], group: Mapping[str, Any],
           episodes: int) -> Point:
    if precision in ("fp32", "fp16"):
        return Point(task, algo, precision, seed, settings, episodes=episodes)
    point = Point(task, algo, precision, seed, settings, group.get("input_bits", INPUT_BITS),
                  group.get("per_channel", False), episodes)
    point.bits()                # checks them
    return point


def _settings(algo: str, task: str, group: Mapping[str, Any], path: Path) -> dict[str, Any]:
    from models.presets import preset
    changes = {"total_steps": _whole("steps", group["steps"], 1)} if "steps" in group else {}
    try:
        return preset(algo, task, changes)
    except UserError as error:
        raise UserError(error.rule, error.found, f"correct the group in {path}, or give it `steps`") from error


def _note(group: Mapping[str, Any]) -> str:
    notes = ["per channel"] if group.get("per_channel") else []
    notes += [f"{group['input_bits']}-bit input"] if group.get("input_bits", INPUT_BITS) != INPUT_BITS else []
    notes += [f"{group['steps']} steps"] if "steps" in group else []
    return ", ".join(notes)


def _returns(found: Any) -> dict[str, dict[str, float]]:
    if not (isinstance(found, dict) and all(isinstance(each, dict) and all(isinstance(v, (int, float))
                                            for v in each.values()) for each in found.values())):
        raise UserError("rl_zoo must map tasks to algorithms to returns", found,
                        "write for example rl_zoo: {CartPole-v1: {ppo: 500}}")
    return found
