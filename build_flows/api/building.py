"""``quarl.export`` and ``quarl.build``: a trained run to its policy package, and to verified hardware."""
from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from quarl.build_flows.api.calls import call
from quarl.host.errors import UserError
from quarl.host.files import PathLike

if TYPE_CHECKING:
    from quarl.build_flows.building.options import Options
    from quarl.host.accelerator.description import Accelerator
    from quarl.host.policy import Policy


@dataclasses.dataclass(frozen=True)
class Built:
    """A built accelerator: what it is, and the reports of its build as their JSON files have them.

    ``folder`` is ``RUN/accel``. ``parity`` has the compared ``observations`` and, by pair of layers of the chain,
    ``values`` and ``mismatches``, which are 0. ``timing`` is in clock cycles, ``estimate`` what was predicted before
    the build. ``synth`` (counted by Yosys), ``netlist`` (its simulation), ``fmax`` (the clock's estimate) and
    ``energy`` (its estimate, nJ an action) are None where they were never asked for.
    """

    folder: Path
    accel: Accelerator
    parity: dict[str, Any]
    timing: dict[str, Any]
    estimate: dict[str, Any]
    synth: dict[str, Any] | None = None
    netlist: dict[str, Any] | None = None
    fmax: dict[str, Any] | None = None
    energy: dict[str, Any] | None = None

    @property
    def latency_cycles(self) -> int:
        """Clock cycles from the last word of an observation to its action, behind the bridge."""
        return int(self.timing["latency_cycles"])

    @property
    def latency_us(self) -> float:
        """The same in microseconds at the board's clock."""
        return self.latency_cycles / float(self.timing["clock_mhz"])

    @property
    def mismatches(self) -> int:
        """Values that differ between layers of the chain: 0, since a build with one fails."""
        return sum(pair["mismatches"] for pair in self.parity["pairs"].values())

    @property
    def resources(self) -> dict[str, float] | None:
        """What the whole design takes, bridge included: lut, ff, dsp, bram36 and others. None without synthesis."""
        return None if self.synth is None else self.synth["total"]

    def __repr__(self) -> str:
        text = "Built(%r: %d cycles, %.2f us, %d observations, %d mismatches" % (
            str(self.folder), self.latency_cycles, self.latency_us, self.parity["observations"], self.mismatches)
        return text + (")" if self.resources is None else ", {lut:g} LUT, {ff:g} FF, {dsp:g} DSP)".format_map(
            self.resources))


def export(run: PathLike) -> Policy:
    """Write the policy package of a trained run to ``RUN/policy``, and return the policy; as `quarl export`.

    The other functions export by themselves where there is no package yet. Raises ``UserError`` for a run that has
    not finished training or is not quantised to integers, ``ToolError`` for a disk that refuses or a package that is
    missing.
    """
    with call("export"):
        from quarl.build_flows.building.ensure_package import ensure_package
        return ensure_package(Path(run), renew=True)


def build(run: PathLike, options: Options | None = None, *, fmax: bool = False, energy: bool = False,
          timeout: float | None = None, verbose: bool = False) -> Built:
    """Build the accelerator of a trained run into ``RUN/accel``: RTL, emulator, parity; as `quarl build`.

    The torch actor, the integer reference, FINN's execution and the RTL are compared on 12,000 observations; one
    different number raises ``MismatchError``. ``options`` (default: those of what is built, else ``Options()``) say
    which board, engine and folding, and with ``target="synth"`` the resources are counted. Bitstreams are the command
    line's.

    ``fmax``     also an estimate of the clock (MHz, on an ECP5), in minutes; with target ``synth``
    ``energy``   also an estimate of the energy of an action (nJ), in a minute or more; with target ``synth``
    ``timeout``  seconds that ``fmax`` may take
    ``verbose``  prints stages and the chosen folding

    A build whose inputs have not changed is not repeated. Raises ``UserError`` for a run that cannot be built and a
    design that does not fit, ``ToolError`` for a tool that is missing or fails.
    """
    with call("build", verbose):
        from quarl.build_flows.building import kept
        from quarl.host.accelerator import description
        folder = Path(run) / "accel"
        found = build_run(Path(run), options or kept.options(folder, {})[0], fmax, energy, timeout)
        reports = {field.name: found[field.name] for field in dataclasses.fields(Built)
                   if field.name not in ("folder", "accel")}
        return Built(folder, description.read(folder), **reports)


def check_estimates(target: str, fmax: bool, energy: bool, timeout: float | None) -> None:
    """Raise :class:`UserError` for estimates that ``target`` has no netlist for, and for no time at all."""
    if timeout is not None and timeout <= 0:
        raise UserError("--timeout must be above 0 seconds", timeout, "leave it out, or pass 7200")
    for option, asked in (("fmax", fmax), ("energy", energy)):
        if asked and target != "synth":
            raise UserError(f"--{option} goes with --target synth", f"--target {target}",
                            "leave it out, or change the target")


def build_run(run: Path, options: Options, fmax: bool = False, energy: bool = False, timeout: float | None = None,
              built: Callable[[dict[str, Any]], None] = lambda result: None) -> dict[str, Any]:
    """Build ``run``, and make the estimates asked for: the reports by name, as of :func:`artefacts.read`.

    What can be known before any work is checked before. ``built`` is told of the build before the estimates, which
    take long. Raises as :func:`build`.
    """
    from quarl.build_flows.building import subject
    from quarl.build_flows.building.flow import build, check_tools
    from quarl.build_flows.characterise import clock
    from quarl.build_flows.characterise import energy as energies
    from quarl.build_flows.console import stage
    from quarl.hw import boards

    check_estimates(options.target, fmax, energy, timeout)
    check_tools(options, run)
    if fmax:
        clock.check(options.compute, options.style.products)
    if energy:
        energies.check(boards.board(options.board))
    with stage("collect observations"):
        what = subject.of_run(run)
    result = build(what, options, run / "accel")
    built(result)
    if fmax:
        result["fmax"] = clock.estimate(run / "accel", timeout)
    if energy:
        result["energy"] = energies.estimate(what, run / "accel")
    return result
