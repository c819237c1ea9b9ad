"""Run folders on their way to workers that share no disk, and back."""
from __future__ import annotations

import io
import tarfile
from collections.abc import Iterable
from pathlib import Path

from quarl.host.files import explained

_STAYS = ("checkpoint", "tensorboard")      # only a training that goes on needs them
_LAST = "result.json"                        # of a training: with it the folder is whole
Parcel = dict[str, bytes]


def pack(runs: Path, names: Iterable[str]) -> Parcel:
    """Those of the run folders that exist, each as a compressed archive of its files."""
    return {name: _archive(runs / name) for name in names if (runs / name).is_dir()}


def _archive(folder: Path) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz", compresslevel=1) as archive:
        for path in sorted(folder.rglob("*"), key=lambda path: (path.name == _LAST, path)):
            parts = path.relative_to(folder).parts
            if path.is_file() and not any(part in _STAYS or part.startswith(".") for part in parts):
                archive.add(path, "/".join(parts))
    return buffer.getvalue()


def unpack(parcel: Parcel, runs: Path) -> None:
    """Write the run folders; files that are there and not in the parcel stay. Raises :class:`ToolError`."""
    for name, data in parcel.items():
        with explained(runs / name), tarfile.open(fileobj=io.BytesIO(data)) as archive:
            (runs / name).mkdir(parents=True, exist_ok=True)
            archive.extractall(runs / name, filter="data")
