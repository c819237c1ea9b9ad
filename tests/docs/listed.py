"""``commands.yaml``: what does not run as it is written."""
from __future__ import annotations

import functools
from pathlib import Path
from typing import Any

import yaml

FILE = Path(__file__).with_name("commands.yaml")


@functools.cache
def listed() -> dict[str, Any]:
    """The whole file."""
    return yaml.safe_load(FILE.read_text())


@functools.cache
def elsewhere() -> dict[str, str]:
    """Command -> why it does not run in the tests."""
    return {line: reason for reason, lines in listed()["elsewhere"].items() for line in lines}


def is_slow(command: str) -> bool:
    return command in listed()["slow"]


def appended(command: str) -> str:
    """What the tests append to the command: that of the longest beginning, or nothing."""
    beginnings = [start for start in listed()["appended"] if f"{command} ".startswith(f"{start} ")]
    return listed()["appended"][max(beginnings, key=len)] if beginnings else ""
