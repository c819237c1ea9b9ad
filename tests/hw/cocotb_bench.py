"""Build a bench with Verilator and run its cocotb tests: no `verilator` command, make or perl is needed.

A bench is a package with ``bench.sv``, whose top is ``bench``, and ``bench_tests.py``.
"""
from __future__ import annotations

import os
import re
import subprocess
import xml.etree.ElementTree
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import cocotb_tools.config
from cocotb_tools.runner import get_runner

from quarl.hw.tools.cache import cached, digest
from quarl.hw.tools.prerequisites import package_folder

_VERILATOR = package_folder("verilator")
_INCLUDE = _VERILATOR / "include"
_LIBRARIES = cocotb_tools.config.libs_dir
_MAIN = cocotb_tools.config.share_dir / "lib" / "verilator" / "verilator.cpp"
_RUNTIME = [_INCLUDE / name for name in ("verilated.cpp", "verilated_vpi.cpp", "verilated_threads.cpp")]
_COMPILE = ("g++", "-c", "-O0", "-std=c++17", "-DVM_TRACE=0", "-DVM_COVERAGE=0", f"-I{_INCLUDE}",
            f"-I{_INCLUDE}/vltstd")
# Registers start at random: what needs a reset has to have one.
_VERILATE = ("--cc", "--vpi", "--prefix", "Vtop", "--top-module", "bench", "-O3", "--assert", "--no-timing",
             "--x-assign", "unique", "--x-initial", "unique", "-Wno-fatal", "-Wno-lint", "-Wno-style")


@dataclass(frozen=True)
class Bench:
    """A bench: its package, what of the RTL it is about, what watches it, and the variables that Python sees."""

    package: str
    folder: Path
    rtl: tuple[Path, ...]
    watchers: tuple[Path, ...]
    public: tuple[tuple[str, str], ...] = ()    # module, variable; the bench's own are all seen

    @property
    def tests(self) -> set[str]:
        """Names of the cocotb tests."""
        text = (self.folder / "bench_tests.py").read_text()
        return set(re.findall(r"^@cocotb\.test\(\)\nasync def (\w+)", text, re.MULTILINE))

    def simulate(self, parameters: dict[str, int], work: Path, effort: int = 1, seed: int = 1,
                 rtl: Sequence[Path] | None = None) -> dict[str, str]:
        """Run all tests; returns name -> what cocotb says of a failure, "" for a test that passed.

        ``effort`` multiplies the random accesses; ``rtl`` takes the place of the bench's own. A simulator that died is
        the failure of a test ``simulator``.
        """
        work.mkdir(parents=True, exist_ok=True)
        results = work / "results.xml"
        try:
            get_runner("verilator").test(
                f"{self.package}.bench_tests", "bench", hdl_toplevel_lang="verilog",
                build_dir=self.build(parameters, rtl or self.rtl), test_dir=work, results_xml=str(results), seed=seed,
                log_file=work / "log.txt", plusargs=["+verilator+rand+reset+2", f"+verilator+seed+{seed}"],
                extra_env={"BENCH_EFFORT": str(effort), "COCOTB_LOG_LEVEL": "WARNING", "COCOTB_ANSI_OUTPUT": "0"})
        except (RuntimeError, SystemExit, subprocess.CalledProcessError) as error:
            failure = str(error)
        else:
            failure = ""
        log = (work / "log.txt").read_text() if (work / "log.txt").is_file() else ""
        if not results.is_file():
            return {"simulator": f"{failure}\n{log[-3000:]}"}
        found = {case.attrib["name"]: "".join(part.text or "" for part in case if part.tag in ("failure", "error"))
                 for case in xml.etree.ElementTree.parse(results).getroot().iter("testcase")}
        broken = "\n".join(line for line in log.splitlines() if "%Error" in line)    # a watcher has noticed something
        if broken or (failure and not any(found.values())):
            found["simulator"] = broken or f"{failure}\n{log[-3000:]}"
        return found

    def failures(self, found: dict[str, str]) -> str:
        """What cocotb says of the tests that failed; none may be missing."""
        assert set(found) == self.tests or "simulator" in found, found
        return "\n".join(f"{test}: {text}" for test, text in found.items() if text)

    def build(self, parameters: dict[str, int], rtl: Sequence[Path]) -> Path:
        """The folder that holds the simulator ``bench``, cached by content."""
        sources = [*rtl, *self.watchers, self.folder / "bench.sv"]
        settings = [f"-G{name}={value}" for name, value in parameters.items()]
        public = "".join(f'public_flat_rw -module "{module}" -var "{variable}"\n'
                         for module, variable in (("bench", "*"), *self.public))
        key = digest([*_VERILATE, *_COMPILE, public, *settings, _MAIN.read_bytes(), str(_LIBRARIES),
                      (_INCLUDE / "verilated_config.h").read_bytes(), *(file.read_bytes() for file in sources)])

        def fill(stage: Path) -> None:
            (stage / "public.vlt").write_text("`verilator_config\n" + public)
            _do([str(_VERILATOR / "bin" / "verilator_bin"), *_VERILATE, *settings, "-Mdir", str(stage),
                 str(stage / "public.vlt"), *map(str, sources)])
            unit = stage / "unit.cc"
            unit.write_text("".join(f'#include "{file}"\n' for file in (*sorted(stage.glob("*.cpp")), _MAIN)))
            _do([*_COMPILE, f"-I{stage}", str(unit), "-o", str(stage / "unit.o")])
            _do(["g++", "-o", str(stage / "bench"), str(stage / "unit.o"), *map(str, sorted(_runtime().glob("*.o"))),
                 f"-L{_LIBRARIES}", f"-Wl,-rpath,{_LIBRARIES}", "-lcocotbvpi_verilator", "-pthread"])

        return cached("bench", key, fill)


def with_fault(sources: Sequence[Path], file: str, text: str, change: str, folder: Path) -> list[Path]:
    """Copies of the sources in ``folder``, one of them changed."""
    copies = []
    for source in sources:
        content = source.read_text()
        if source.name == file:
            assert content.count(text) == 1, "the fault's place must be found, and once"
            content = content.replace(text, change)
        copies.append(folder / source.name)
        copies[-1].write_text(content)
    return copies


def _runtime() -> Path:
    """Verilator's run-time library, compiled once."""
    def fill(stage: Path) -> None:
        with ThreadPoolExecutor(2) as pool:
            list(pool.map(lambda file: _do([*_COMPILE, str(file), "-o", str(stage / f"{file.stem}.o")]), _RUNTIME))

    return cached("bench-runtime", digest([*_COMPILE, *(file.read_bytes() for file in _RUNTIME)]), fill)


def _do(command: Sequence[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, env=dict(os.environ, VERILATOR_ROOT=str(_VERILATOR)))
    assert done.returncode == 0, f"{Path(command[0]).name} failed:\n{(done.stderr or done.stdout)[-3000:]}"
