"""Reading a study's YAML file."""
from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from quarl.build_flows.study import groups
from quarl.build_flows.study.grid import EPISODES, Study
from quarl.host.errors import UserError
from quarl.host.files import PathLike

_STUDY = ("name", "episodes", "energy", "seeds", "precisions", "rl_zoo", "groups")


def read_study(path: PathLike) -> Study:
    """The study that the file describes. Raises :class:`UserError` for a file that describes none."""
    path = Path(path)
    found = _keys(_yaml(path), _STUDY, f"{path}")
    name = found.get("name", path.stem)
    if not isinstance(name, str) or not re.fullmatch(r"[\w.-]+", name):
        raise UserError("a study's name must consist of letters, digits, points and dashes", name, "name it otherwise")
    episodes = groups.whole("episodes", found.get("episodes", EPISODES), 1)
    listed = found.get("groups") or []
    rows = [row for number, group in enumerate(listed if isinstance(listed, list) else [listed], 1)
            for row in groups.rows_of(_shared(found, group) | _keys(group, groups.KEYS, f"group {number} of {path}"),
                                      episodes, path)]
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
            near = difflib.get_close_matches(str(key), known, 1, 0.6)
            raise UserError(f"a key of {where} must be one of " + ", ".join(known), key,
                            f"write {near[0]}" if near else "remove it; trainings have their preset's other settings")
    return found


def _shared(found: Mapping[str, Any], group: Any) -> dict[str, Any]:
    """What a group has unless it says otherwise; widths of its own take the place of precisions."""
    own_widths = isinstance(group, dict) and "weight_bits" in group
    return {key: found[key] for key in ("seeds", "energy", *([] if own_widths else ["precisions"])) if key in found}


def _returns(found: Any) -> dict[str, dict[str, float]]:
    if not (isinstance(found, dict) and all(isinstance(each, dict) and all(isinstance(v, (int, float))
                                            for v in each.values()) for each in found.values())):
        raise UserError("rl_zoo must map tasks to algorithms to returns", found,
                        "write for example rl_zoo: {CartPole-v1: {ppo: 500}}")
    return found
