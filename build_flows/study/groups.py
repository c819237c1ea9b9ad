"""A group of a study's file, expanded: every combination of what it lists."""
from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from quarl.build_flows.folding.option import check_fold
from quarl.build_flows.study.grid import BOARD, FOLDING, INPUT_BITS, Point, Row, is_precision, precision_of, widths_of
from quarl.host.errors import UserError
from quarl.hw import boards
from quarl.hw.engines.registry import ENGINES

KEYS = ("part", "tasks", "algos", "precisions", "methods", "weight_bits", "act_bits", "input_bits", "per_channel",
        "hidden", "engines", "folding", "board", "energy", "seeds", "steps")
METHODS = ("qat", "ptq")
CORE = "core"
Group = Mapping[str, Any]


def rows_of(group: Group, episodes: int, path: Path) -> Iterator[Row]:
    """The rows of a group that have points. Raises :class:`UserError` for a value that means nothing."""
    seeds = [whole("seeds", seed, 0) for seed in _list(group.get("seeds", [0]))]
    energy = group.get("energy", False)
    if not isinstance(energy, bool):
        raise UserError("energy must be true or false", energy, "write energy: true")
    precisions, designs = list(_precisions(group)), list(_designs(group, energy))
    variants = list(itertools.product(_hidden(group), _list(group.get("input_bits", INPUT_BITS)),
                                      _list(group.get("per_channel", False))))
    for task, algo, (hidden, input_bits, per_channel) in itertools.product(
            _names("tasks", group), _names("algos", group), variants):
        settings, unusual = _settings(algo, task, hidden, group, path)
        software = Point(task, algo, "fp32", 0, settings, episodes=episodes, hidden=unusual, energy=energy)
        points = [point for seed in seeds for precision in precisions
                  for point in _points(software, precision, seed, input_bits, per_channel, designs)]
        if points:
            yield Row(str(group.get("part", CORE)), task, algo, _note(group, unusual, input_bits, per_channel),
                      tuple(dict.fromkeys(points)))


def _points(software: Point, precision: str, seed: int, input_bits: Any, per_channel: Any,
            designs: list[dict[str, Any]]) -> Iterator[Point]:
    """The policy, or its designs, where the group has some and the policy has bits."""
    point = dataclasses.replace(software, precision=precision, seed=seed)
    if not point.quantised:
        yield point
        return
    point = dataclasses.replace(point, input_bits=input_bits, per_channel=per_channel)
    point.bits()                # checks them
    for design in designs:
        yield dataclasses.replace(point, **design)


def _precisions(group: Group) -> Iterator[str]:
    """Those that are named, then the combinations of methods and widths."""
    from quarl.models.actors.bits import Bits
    for precision in _names("precisions", group):
        if not is_precision(precision):
            raise UserError("a precision must be fp32, fp16, ptqN or qatN with N from 2 to 8", precision,
                            "write for example qat4, or qatW3A4 for 3-bit weights and 4-bit activations")
        found = widths_of(precision)
        yield precision_of(found[0], Bits(*found[1:])) if found else precision
    widths = [list(_widths(group, key)) for key in ("weight_bits", "act_bits")]
    if bool(widths[0]) != bool(widths[1]):
        raise UserError("weight_bits and act_bits go together", "one without the other",
                        "give both, or `precisions: [qat4, qat8]` for equal widths")
    for method, weight, act in itertools.product(_chosen("methods", group, METHODS, METHODS[0]), *widths):
        yield precision_of(method, Bits(weight, act))


def _widths(group: Group, key: str) -> Iterator[Any]:
    """Each a number, or a list of numbers: one a part of the network."""
    for width in _list(group.get(key)):
        yield tuple(width) if isinstance(width, list) else width


def _designs(group: Group, energy: bool) -> Iterator[dict[str, Any]]:
    """What a point has as hardware: every engine, folding and board; {} for a group without hardware."""
    if "engines" not in group:
        for key in ("folding", "board"):
            if key in group:
                raise UserError(f"{key} goes with engines", f"{key}: {group[key]}", "give engines: [rom, dsp]")
        yield {}
        return
    foldings = [check_fold("folding", fold) for fold in _list(group.get("folding", FOLDING))]
    found = [_board(name, energy) for name in _names("board", {"board": BOARD, **group})]
    for engine, folding, board in itertools.product(_chosen("engines", group, tuple(ENGINES)), foldings, found):
        yield {"engine": engine, "folding": folding, "board": board}


def _board(name: str, energy: bool) -> str:
    """Our name of the board. Raises :class:`UserError` where there is none, or no ``energy`` can be told for it."""
    found = boards.board(name)
    if energy and found.name != BOARD:
        from quarl.build_flows.characterise.energy import PART
        if not found.part.startswith(PART):
            raise UserError(f"energy: true knows the cells and the leakage of an {PART}", f"board: {name}",
                            f"write energy: false, or board: {BOARD}")
    return found.name


def _chosen(key: str, group: Group, known: tuple[str, ...], usual: str | None = None) -> list[str]:
    names = _names(key, {key: usual, **group})
    for name in names:
        if name not in known:
            raise UserError(f"{key} must be of " + ", ".join(known), name, "choose one of them")
    return names


def _hidden(group: Group) -> list[tuple[int, ...] | None]:
    """Sizes of the hidden layers, None for the preset's."""
    found = _list(group["hidden"]) if "hidden" in group else [None]
    if found and all(isinstance(each, int) for each in found):
        found = [found]
    return [each if each is None else tuple(whole("hidden", size, 1) for size in _list(each)) for each in found]


def _settings(algo: str, task: str, hidden: tuple[int, ...] | None, group: Group,
              path: Path) -> tuple[dict[str, Any], tuple[int, ...] | None]:
    """The training's settings, and ``hidden`` where it differs from the preset's."""
    from quarl.models.tasks.presets import preset
    changes = {"total_steps": whole("steps", group["steps"], 1)} if "steps" in group else {}
    try:
        settings = preset(algo, task, changes)
    except UserError as error:
        raise UserError(error.rule, error.found, f"correct the group in {path}, or give it `steps`") from error
    if hidden is None:
        return settings, None
    if "conv" in settings["net_arch"]:
        raise UserError("hidden is for policies that read a vector of features", f"hidden for {task}", "remove it")
    return resized(settings, hidden)


def resized(settings: Group, hidden: tuple[int, ...]) -> tuple[dict[str, Any], tuple[int, ...] | None]:
    """``settings`` with hidden layers of these sizes in the actor, and ``hidden`` where they had others."""
    usual = settings["net_arch"]
    arch = {**usual, "pi": list(hidden)} if isinstance(usual, dict) else list(hidden)
    return {**settings, "net_arch": arch}, None if arch == usual else hidden


def _note(group: Group, hidden: tuple[int, ...] | None, input_bits: int, per_channel: bool) -> str:
    notes = ["per channel"] if per_channel else []
    notes += [f"{input_bits}-bit input"] if input_bits != INPUT_BITS else []
    notes += ["hidden " + "-".join(map(str, hidden))] if hidden else []
    notes += [f"{group['steps']} steps"] if "steps" in group else []
    return ", ".join(notes)


def _list(value: Any) -> list[Any]:
    return [] if value is None else value if isinstance(value, list) else [value]


def whole(key: str, value: Any, least: int) -> int:
    """``value``, if it is a whole number of ``least`` or more. Raises :class:`UserError`."""
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise UserError(f"{key} must be a whole number of {least} or more", value, f"write {key}: {max(least, 1)}")
    return value


def _names(key: str, group: Group) -> list[str]:
    names = _list(group.get(key))
    for name in names:
        if not isinstance(name, str):
            raise UserError(f"{key} must be a name or a list of names", name, f"see `{key}` in studies/quarl.yaml")
    return names
