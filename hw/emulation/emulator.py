"""Compile a netlist and the shell's bridge into ``emulator.so``: Verilator, then g++, cached by content."""
from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from quarl.host.accelerator.geometry import Geometry
from quarl.host.errors import ToolError
from quarl.host.files import scratch_folder, write_bytes
from quarl.hw.shell.shell import BUILD_ID_FILE, bridge_parameters
from quarl.hw.stitching.sources import sources_in
from quarl.hw.tools import process
from quarl.hw.tools.cache import cached, digest
from quarl.hw.tools.prerequisites import package_folder, require

_HERE = Path(__file__).parent
RTL = _HERE / "rtl"
_HARNESS = _HERE / "emulator.cpp"
_RUNTIME_HEADER = _HERE / "emulator_runtime.h"
_REGISTERS = _HERE.parents[1] / "host" / "accelerator" / "c" / "quarl_registers.h"
_EXTRA_RTL = tuple(RTL / f"{name}.sv"
                   for name in ("stall_gate", "stream_checker", "axil_checker", "emulator_top"))
# FINN_SIMULATION stays undefined: it would swap the FIFOs for unbounded ones. Assertions stay on.
_VERILATE = ("--cc", "--top-module", "emulator_top", "--prefix", "Vemulator", "-O3", "--assert", "--no-timing",
             "--x-assign", "fast", "--x-initial", "fast", "--output-split", "20000",
             "-Wno-fatal", "-Wno-lint", "-Wno-style")
# Hidden, unshared symbols: two emulators can live in one process.
_COMPILE = ("-std=c++17", "-fPIC", "-fvisibility=hidden", "-fno-gnu-unique", "-DVL_TIME_CONTEXT", "-DVL_USER_FINISH",
            "-DVL_USER_STOP", "-DVL_USER_FATAL", "-DVL_USER_WARN", "-include", str(_RUNTIME_HEADER))
_JOBS = 2


def build_emulator(folder: Path, geometry: Geometry, out: Path) -> Path:
    """Compile the stitched netlist in ``folder`` (with its shell written); returns ``out/emulator.so``.

    The library has the C interface of hw/emulation/emulator.cpp. It reads the .dat files at run time, so the same build
    serves every set of weights of one structure. Raises ToolError when a tool or a file is missing or the build fails.
    """
    require("emulate")
    if not (folder / BUILD_ID_FILE).is_file():
        raise ToolError("the shell must be written before the emulator is built", f"no {BUILD_ID_FILE} in {folder}",
                        "call quarl.hw.shell.shell.write_shell first")
    sources = [*sources_in(folder, "emulator_top"), *_EXTRA_RTL]
    parameters = [f"-G{name}={value}" for name, value in bridge_parameters(geometry).items()]
    images = sorted(file.name for file in folder.glob("*.dat"))
    contents = [part for file in (*sources, _HARNESS, _RUNTIME_HEADER, _REGISTERS, Path(__file__))
                for part in (file.name, file.read_bytes())]
    key = digest([_version(), *parameters, *images, *contents])
    built = cached("emulator", key, lambda stage: _build(sources, parameters, stage / "emulator.so"))
    write_bytes(out / "emulator.so", (built / "emulator.so").read_bytes())
    return out / "emulator.so"


def _version() -> str:
    return _run([str(_verilator() / "bin" / "verilator_bin"), "--version"], Path())


def _verilator() -> Path:
    return package_folder("verilator")


def _build(sources: Sequence[Path], parameters: Sequence[str], target: Path) -> None:
    with scratch_folder("emulator") as work:
        _run([str(_verilator() / "bin" / "verilator_bin"), *_VERILATE, *parameters, "-Mdir", str(work),
              *map(str, sources)], work)
        runtime = _runtime()
        units = _units(work)
        with ThreadPoolExecutor(_JOBS) as pool:
            objects = list(pool.map(lambda file: _compile(file, work), units))
        _run(["g++", "-shared", "-o", str(target), *map(str, objects), *map(str, sorted(runtime.glob("*.o"))),
              "-Wl,-Bsymbolic", "-Wl,--wrap=fopen", "-pthread"], work)


def _units(work: Path) -> list[Path]:
    """Gather the generated files into few compilation units, biggest first: reading the headers costs 2 s each time.

    The fast files make as many units of about one size as there are jobs, what runs once makes another.
    """
    files = sorted(work.glob("*.cpp"), key=lambda file: -file.stat().st_size)
    slow = [file for file in files if _is_slow(file)]
    fast: list[list[Path]] = [[] for _ in range(_JOBS)]
    for file in (*(file for file in files if not _is_slow(file)), _HARNESS):
        min(fast, key=lambda unit: sum(f.stat().st_size for f in unit)).append(file)
    units = {f"unit{i}": unit for i, unit in enumerate(fast)} | {"unitSlow": slow}
    for name, unit in units.items():
        write_bytes(work / f"{name}.cc", "".join(f'#include "{file}"\n' for file in unit).encode())
    return [work / f"{name}.cc" for name in units]


def _is_slow(file: Path) -> bool:
    """Whether Verilator calls the file slow: it runs once, and is not worth optimising."""
    return file.stem.endswith("Slow")


def _runtime() -> Path:
    """Verilator's run-time library as objects, compiled once for all emulators."""
    include = _verilator() / "include"
    files = [include / "verilated.cpp", include / "verilated_threads.cpp"]

    def fill(stage: Path) -> None:
        with ThreadPoolExecutor(_JOBS) as pool:
            list(pool.map(lambda file: _compile(file, stage), files))

    return cached("verilator-runtime", digest([_version(), *_COMPILE, _RUNTIME_HEADER.read_bytes()]), fill)


def _compile(file: Path, work: Path) -> Path:
    """Compile one file to an object file in ``work``."""
    level = "-O0" if _is_slow(file) else "-O1"
    include = _verilator() / "include"
    target = work / (file.stem + ".o")
    _run(["g++", "-c", level, *_COMPILE, f"-I{include}", f"-I{include}/vltstd", f"-I{work}",
          f"-I{_REGISTERS.parent}", str(file), "-o", str(target)], work)
    return target


def _run(command: list[str], work: Path) -> str:
    """Run a tool whose temporary files go to ``work``, return what it printed. Raises ToolError with its last output.

    In TMPDIR, they would stay where a compiler is killed.
    """
    environment = dict(os.environ, VERILATOR_ROOT=str(_verilator()), TMPDIR=str(work.absolute()))
    done = process.run(command, environment=environment)
    if done.returncode:
        output = (done.stderr or done.stdout).strip()[-3000:]
        raise ToolError(f"{Path(command[0]).name} must finish the emulator's build",
                        f"exit code {done.returncode}:\n{output}\n", "mend what the tool complains about above")
    return done.stdout
