"""Vivado's reports as numbers: the timing summary, the utilisation of the chip, and of every part of the design."""
from __future__ import annotations

import re
from typing import Any
from xml.etree import ElementTree

from quarl.host.errors import ToolError

CHECKS = {"setup": "WNS", "hold": "WHS", "pulse width": "WPWS"}
_NUMBER = re.compile(r"-?\d+(\.\d+)?")
_SLACK = re.compile(r"^Slack(?: \((?:MET|VIOLATED)\))? :\s+(-?[\d.]+)ns(.*?)(?=^Slack|\Z)", re.MULTILINE | re.DOTALL)
_ENDS = re.compile(r"^\s+(Source|Destination):\s+(\S+)", re.MULTILINE)
_PULSE = re.compile(r"^(?:Min Period|Low Pulse Width|High Pulse Width|Max Period|Max Skew)\s.*?(-?\d+\.\d+)\s+(\S+)\s+"
                    r"(\S+)\s*$", re.MULTILINE)
# Rows of report_utilization, 7-series and UltraScale+.
_SITES = {"Slice LUTs": "lut", "CLB LUTs": "lut", "LUT as Memory": "lut_memory", "Slice Registers": "ff",
          "CLB Registers": "ff", "Block RAM Tile": "bram36", "DSPs": "dsp"}
_COLUMNS = {"Total LUTs": "lut", "Logic LUTs": "lut_logic", "FFs": "ff", "RAMB36": "ramb36", "RAMB18": "ramb18",
            "DSP Blocks": "dsp", "DSP48 Blocks": "dsp"}
_MEMORY_COLUMNS = ("LUTRAMs", "SRLs")
_FIX = "build again; the report is not one of a Vivado that FINN+ supports"


def timing(text: str) -> dict[str, Any]:
    """Slacks in ns by check (``setup``, ``hold``, ``pulse width``), and the worst path of each where one is told.

    ``text`` is what report_timing_summary writes. Raises :class:`ToolError` for a slack that is not there: a design
    without clocks has none, and FINN+ would take it for met.
    """
    lines = text.splitlines()
    at = next((i for i, line in enumerate(lines) if line.split()[:1] == ["WNS(ns)"]), None)
    if at is None or at + 2 >= len(lines):
        raise ToolError("the timing report must have a design timing summary", "none", _FIX)
    names = [word.partition("(")[0] for word in re.split(r"\s{2,}", lines[at].strip())]
    found = dict(zip(names, lines[at + 2].split(), strict=False))
    slacks = {}
    for check, name in CHECKS.items():
        if not _NUMBER.fullmatch(found.get(name, "")):
            raise ToolError(f"the timing report must give a {check} slack ({name})", found.get(name, "none"),
                            "the design must have a clock: " + _FIX)
        slacks[check] = float(found[name])
    return {"slack_ns": slacks, "worst": _worst(text)}


def _worst(text: str) -> dict[str, str]:
    """The path with the smallest slack of each check, as far as the report tells any."""
    worst: dict[str, tuple[float, str]] = {}
    for number, rest in _SLACK.findall(text):
        ends = dict(_ENDS.findall(rest))
        kind = re.search(r"Path Type:\s+(Setup|Hold)", rest)
        if kind and len(ends) == 2:
            check = kind[1].lower()
            path = "from {Source} to {Destination}".format(**ends)
            worst[check] = min(worst.get(check, (float("inf"), "")), (float(number), path))
    for number, _, pin in _PULSE.findall(text):
        worst["pulse width"] = min(worst.get("pulse width", (float("inf"), "")), (float(number), "at " + pin))
    return {check: path for check, (_, path) in worst.items()}


def utilisation(text: str) -> dict[str, dict[str, float]]:
    """``used`` and ``available`` by resource (lut, lut_memory, ff, bram36, dsp); ``text`` is report_utilization's.

    Raises :class:`ToolError` for a resource that is not there.
    """
    used: dict[str, float] = {}
    available: dict[str, float] = {}
    for line in text.splitlines():
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        kind = _SITES.get(cells[0].rstrip("*"))
        if kind and kind not in used and len(cells) >= 5 and all(map(_NUMBER.fullmatch, (cells[1], cells[-2]))):
            used[kind], available[kind] = float(cells[1]), float(cells[-2])
    if missing := set(_SITES.values()) - used.keys():
        raise ToolError("the utilisation report must tell every resource", "no " + ", ".join(sorted(missing)), _FIX)
    return {"used": used, "available": available}


def hierarchy(text: str) -> dict[str, dict[str, float]]:
    """Resources of every instance, by its name: ``report_utilization -hierarchical -format xml``.

    The whole is ``(top)``. The first instance of a name counts. Raises :class:`ToolError` for what is no such report.
    """
    try:
        rows = [[cell.get("contents", "").strip() for cell in row if cell.tag in ("tablecell", "tableheader")]
                for row in ElementTree.fromstring(text).iter("tablerow")]
        head = next(row for row in rows if row[:2] == ["Instance", "Module"])
    except (ElementTree.ParseError, StopIteration) as error:
        raise ToolError("the hierarchical utilisation report must be a table of instances", str(error) or "none",
                        _FIX) from error
    found: dict[str, dict[str, float]] = {}
    for row in rows:
        if len(row) != len(head) or row is head:
            continue
        cells = dict(zip(head, row, strict=True))
        try:
            counts = {kind: float(cells[column]) for column, kind in _COLUMNS.items() if column in cells}
            counts["lut_memory"] = sum(float(cells.get(column, 0)) for column in _MEMORY_COLUMNS)
        except ValueError:
            continue
        counts["bram36"] = counts.pop("ramb36", 0.0) + counts.pop("ramb18", 0.0) / 2
        found.setdefault("(top)" if row[1] == "(top)" else row[0], counts)
    return found
