"""Check what this board has: every missing or unfitting part with the line that mends it.

  quarl doctor
"""
from __future__ import annotations

import argparse
import os
import platform
import sys
from typing import Any, Callable, Dict, List, Tuple, Union

from quarl.host.commands.folder import add_folder, read_folder
from quarl.host.console import say
from quarl.host.errors import ToolError, UserError
from quarl.host.versions import NONE, version

HELP = "check the board for missing parts"

_BOARDS = ("armv7l", "aarch64")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of ``quarl doctor``."""
    add_folder(parser)
    parser.add_argument("--pc", action="store_true", help="this is a PC that tries the package out, and no board")


def run(args: argparse.Namespace) -> Dict[str, Any]:
    """Print a line for each part. Raises the first that must be mended, after the lines."""
    problems: List[Union[ToolError, UserError]] = []
    found: Dict[str, str] = {}
    for checks in (_BASE, _OTHERS):
        for name, check in checks.items():
            try:
                found[name] = check(args)
            except (ToolError, UserError) as error:
                found[name] = str(error)
                problems.append(error)
            say("%-12s %s" % (name, found[name]))
        if problems:
            raise problems[0]
    return {"ready": True, "found": found}


def _machine(args: argparse.Namespace) -> str:
    system, machine = platform.system(), platform.machine()
    if system != "Linux" or (machine not in _BOARDS and not args.pc):
        raise ToolError("a board must run Linux on %s" % " or ".join(_BOARDS), "%s on %s" % (system, machine),
                        "install it on the board, or try it out on a PC with --pc")
    return "%s on %s" % (system, machine)


def _python(args: argparse.Namespace) -> str:
    return "%s at %s" % (platform.python_version(), sys.executable)        # install.sh has checked that it is 3.8


def _numpy(args: argparse.Namespace) -> str:
    found = version("numpy")
    if _number(found) < (1, 20):
        raise ToolError("the package numpy must be 1.20 or newer", found, "pip install 'numpy>=1.20'")
    return found


def _pynq(args: argparse.Namespace) -> str:
    from quarl.host.devices.pynq import check_version

    found = version("pynq")
    if found == NONE:
        return "none: before `--device pynq` a bitstream must be loaded by other means"
    if not args.pc:
        check_version(found)
    return found


def _step(args: argparse.Namespace) -> str:
    from quarl.host.accelerator import native
    return "compiled C" if native.compiled() else (
        "Python, many times as slow as C, for want of a compiler: sudo apt-get install gcc")


def _policy(args: argparse.Namespace) -> str:
    policy, _ = read_folder(args)
    return "%s (%s…)" % (policy.task, policy.hash[:12])


def _accelerator(args: argparse.Namespace) -> str:
    from quarl.host.devices.bridge import described

    policy, folder = read_folder(args)
    built = described(policy, folder)
    return "for %s at %g MHz" % (built.board, built.clock_mhz)


def _bitstream(args: argparse.Namespace) -> str:
    from quarl.host.devices.pynq import BITSTREAM

    path = args.folder / "accel" / BITSTREAM
    return str(path) if path.exists() else "none: the devices pynq and finn-dma need accel.bit and accel.hwh"


def _rights(args: argparse.Namespace) -> str:
    return "root" if os.geteuid() == 0 else "user %d: the devices pynq and finn-dma need root (sudo -E)" % os.geteuid()


def _gymnasium(args: argparse.Namespace) -> str:
    found, old = version("gymnasium"), _number(version("numpy")) < (1, 21)
    if found == NONE:
        return "none: `quarl run` needs it: pip install %s" % ("gymnasium==0.26.3" if old else "gymnasium")
    if old and _number(found) >= (0, 27):
        return "%s, which does not go with numpy %s: pip install gymnasium==0.26.3" % (found, version("numpy"))
    return found


def _zmq(args: argparse.Namespace) -> str:
    try:
        import zmq
    except ImportError:
        return "none: `quarl serve`, `quarl keys` and tcp:// devices need it: pip install pyzmq"
    return "%s with%s CURVE" % (zmq.pyzmq_version(), "" if zmq.has("curve") else "out")


_Checks = Dict[str, Callable[[argparse.Namespace], str]]
_BASE: _Checks = {"machine": _machine, "python": _python, "numpy": _numpy}      # without which no other can be made
_OTHERS: _Checks = {"pynq": _pynq, "step": _step, "policy": _policy, "accelerator": _accelerator,
                    "bitstream": _bitstream, "rights": _rights, "gymnasium": _gymnasium, "pyzmq": _zmq}


def _number(version: str) -> Tuple[int, ...]:
    """The first two numbers of a version."""
    return tuple(int(part) for part in version.split(".")[:2] if part.isdigit())
