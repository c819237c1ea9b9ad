"""The archive for the board: the host's code, a policy, its accelerator, and what installs them. No torch, no FINN."""
from __future__ import annotations

import gzip
import io
import string
import tarfile
from pathlib import Path
from typing import Any

import quarl
from quarl import host
from quarl.host import policy as package
from quarl.host.accelerator.description import Accelerator
from quarl.host.devices.bridge import described
from quarl.host.files import sha256, write_bytes
from quarl.host.policy import Policy

TOP = "quarl-board"
_HOST = Path(host.__file__).parent
_BOARD = _HOST / "board"
_SUMS = "SHA256SUMS"
_ACCEL = ("accel.json", "accel.bit", "accel.hwh", "settings.json", "reports/synth.json")     # the last four if there
_PROGRAMS = ("install.sh", "bin/quarl")
_NONE = ("There is no bitstream in this package: the devices `integer` and `tcp://` work. After "
         "`quarl build RUN --target bitstream` make it again.")


def write_package(policy_folder: Path, accel: Path, archive: Path) -> dict[str, Any]:
    """Write ``archive``, a tar.gz that has the same bytes each time; an earlier one is replaced at once.

    Returns its name, size, number of files, and which files of the accelerator are in it. Raises
    :class:`UserError` for a policy package that is none and an accelerator that is not built for it, ``ToolError``
    where the disk refuses.
    """
    policy = package.read(policy_folder)
    built = described(policy, accel)
    files = _host_files()
    for path in sorted(policy_folder.iterdir()):
        files["policy/" + path.name] = path.read_bytes()
    there = [name for name in _ACCEL if (accel / name).is_file()]
    for name in there:
        files["accel/" + name] = (accel / name).read_bytes()
    files["README.md"] = _readme(policy, built, "accel.bit" in there).encode()
    files[_SUMS] = "".join(f"{sha256(data)}  {name}\n" for name, data in sorted(files.items())).encode()
    data = _archive(files)
    write_bytes(archive, data)
    return {"archive": str(archive), "bytes": len(data), "sha256": sha256(data), "files": len(files),
            "accelerator": there}


def _host_files() -> dict[str, bytes]:
    """All of ``host`` with its C sources, and the files of ``host/board`` beside it."""
    files = {"quarl/host/" + path.relative_to(_HOST).as_posix(): path.read_bytes()
             for pattern in ("*.py", "accelerator/c/*") for path in _HOST.rglob(pattern)}
    files["quarl/__init__.py"] = Path(quarl.__file__).read_bytes()
    files["bin/quarl"] = (_BOARD / "quarl.sh").read_bytes()
    for name in ("install.sh", "quarl.service"):
        files[name] = (_BOARD / name).read_bytes()
    return files


def _readme(policy: Policy, built: Accelerator, bitstream: bool) -> str:
    text = string.Template((_BOARD / "README.md").read_text())
    return text.substitute(TASK=policy.task, POLICY=policy.hash[:12], BOARD=built.board, CLOCK=f"{built.clock_mhz:g}",
                           BITSTREAM="The bitstream is in `accel`." if bitstream else _NONE)


def _archive(files: dict[str, bytes]) -> bytes:
    """A tar.gz of ``files`` below :data:`TOP`: sorted, owned by root, of no date."""
    packed = io.BytesIO()
    with gzip.GzipFile("", "wb", 9, packed, mtime=0) as stream, \
            tarfile.open(mode="w", fileobj=stream, format=tarfile.USTAR_FORMAT) as tar:
        for name, data in sorted(files.items()):
            entry = tarfile.TarInfo(f"{TOP}/{name}")
            entry.size, entry.mode = len(data), 0o755 if name in _PROGRAMS else 0o644
            entry.uname = entry.gname = "root"
            tar.addfile(entry, io.BytesIO(data))
    return packed.getvalue()
