"""A package for the board, unpacked and installed on this machine, with simulated registers behind ``pynq``."""
from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path
from typing import Any

from quarl.build_flows.deploy.board_package import TOP
from quarl.host import policy as package
from quarl.host.log.run_log import records
from tests.host.devices import pynq_shim
from tests.host.devices.bridge_model import describe
from tests.host.loop.closed_loop import cartpole_policy

ROOT = Path(__file__).parents[3]


def make_run(folder: Path, bitstream: bytes | None = b"bits") -> Path:
    """A run folder of a policy made by hand and an accelerator described by hand."""
    policy = cartpole_policy()
    folder.mkdir()
    (folder / "config.yaml").write_text("")
    package.write(policy, folder / "policy", b"onnx")
    describe(policy, folder / "accel", build_id=policy.build_id)
    if bitstream is not None:
        (folder / "accel" / "accel.bit").write_bytes(bitstream)
    return folder


def unpack(archive: Path, folder: Path) -> Path:
    """The folder of the unpacked archive."""
    with tarfile.open(archive) as tar:
        tar.extractall(folder, filter="data")
    return folder / TOP


class Machine:
    """Where a package is installed: its Python, and a gcc whose registers are the functions of c/hooks.h."""

    def __init__(self, scratch: Path, python: Path | str = sys.executable):
        self.python, self.tools, self.bare = str(python), scratch / "tools", scratch / "bare"
        for folder in (self.tools, self.bare):
            folder.mkdir()
        (self.tools / "gcc").write_text('#!/bin/sh\nexec "%s" -include "%s" "$@"\n' % (
            shutil.which("gcc"), pynq_shim.HOOKS))
        (self.tools / "gcc").chmod(0o755)
        for name in ("cat", "dirname", "readlink"):
            (self.bare / name).symlink_to(shutil.which(name))
        self.scratch = scratch

    def call(self, *command: Any, compiler: bool = True, **variables: str) -> subprocess.CompletedProcess[str]:
        """Run a command there."""
        path = f"{self.tools}:{os.environ['PATH']}" if compiler else str(self.bare)
        environment = {**os.environ, "PATH": path, "PYTHON": self.python, "HOME": str(self.scratch),
                       "PYTHONPATH": f"{ROOT / 'tests' / 'host' / 'devices' / 'board'}:{ROOT}", **variables}
        environment.pop("QUARL_CACHE", None)
        return subprocess.run([*map(str, command)], env=environment, cwd=self.scratch, capture_output=True, text=True)

    def install(self, unpacked: Path, prefix: Path, *options: str, **variables: str) -> Any:
        """``install.sh``, on a PC."""
        return self.call("/bin/sh", unpacked / "install.sh", "--pc", "--prefix", prefix, *options, **variables)

    def play(self, prefix: Path, device: str, *options: Any, compiler: bool = True) -> dict[str, Any]:
        """Two episodes of ``quarl run``: its result, with all that was played."""
        done = self.call("/bin/sh", prefix / "quarl", "run", "--device", device, "--episodes", 2, "--max-steps", 60,
                         "--shadow", 1, "--json", *options, compiler=compiler)
        assert (done.returncode, done.stderr) == (0, ""), done.stderr
        result = json.loads(done.stdout.splitlines()[-1])
        assert result["shadow"]["mismatches"] == 0 and Path(result["log"]).parent == prefix / "run"
        result["played"] = [[entry.get(name) for name in ("type", "episode", "step", "action", "reward", "return")]
                            for entry in records(result["log"]) if entry["type"] in ("step", "episode")]
        return result
