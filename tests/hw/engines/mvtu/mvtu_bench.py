"""Many nets of matrix-vector-threshold units in one emulator: each has its own stimulus and its own random stalls.

The emulator's input stream controls the bench, a beat a clock cycle; its output stream logs the nets' streams.
"""
from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from unittest import mock

import numpy as np

from quarl.host.accelerator.geometry import Geometry, Stream
from quarl.host.devices.emulator import Emulator
from quarl.hw.emulation.emulator import build_emulator
from quarl.hw.engines.mvtu.unit import RTL_FILES, Unit
from quarl.hw.shell.shell import write_shell
from tests.hw.helpers import RTL

Net = Sequence[Unit]    # a chain: each takes the beats of the one before
_RESET, _GO = 0, 1      # bits of a control beat, before a stall for every stream
_CHUNK, _LIMIT = 2000, 400_000    # cycles


def streams(net: Net) -> list[Stream]:
    """The input stream of every unit and the output stream of the last one."""
    inputs = [Stream(unit.weights.shape[1] // unit.in_lanes, unit.in_lanes, unit.input_bits,
                     -(-unit.in_lanes * unit.input_bits // 8) * 8, unit.input_signed) for unit in net]
    last = net[-1]
    signed = last.thresholds is None or last.offset < 0
    return [*inputs, Stream(last.design.passes, last.pe, last.out_bits, -(-last.pe * last.out_bits // 8) * 8, signed)]


def layer(unit: Unit, codes: np.ndarray) -> np.ndarray:
    """What a unit computes: codes [N, MW] to codes or (the lower bits of) accumulators [N, MH]."""
    accumulators = codes @ unit.weights.T
    if unit.thresholds is None:
        half = 1 << unit.out_bits - 1
        return (accumulators + half) % (2 * half) - half
    return (accumulators[:, :, None] >= unit.thresholds).sum(axis=2) + unit.offset


@dataclass(frozen=True)
class Seen:
    """One stream, cycle by cycle: valid and ready, bool [cycles], and data uint8 [cycles, bytes]."""

    valid: np.ndarray
    ready: np.ndarray
    data: np.ndarray

    @classmethod
    def joined(cls, parts: Sequence[Seen]) -> Seen:
        """The stream over several runs."""
        return cls(*(np.concatenate([getattr(part, name) for part in parts]) for name in ("valid", "ready", "data")))

    @property
    def cycles(self) -> np.ndarray:
        """The cycles in which a beat was taken."""
        return np.flatnonzero(self.valid & self.ready)

    @property
    def stable(self) -> bool:
        """Whether every beat stayed, unchanged, until it was taken."""
        waits = np.flatnonzero(self.valid[:-1] & ~self.ready[:-1])
        return bool(self.valid[waits + 1].all() and np.array_equal(self.data[waits + 1], self.data[waits]))


Log = list[list[Seen]]    # of every net: its input stream, then the output stream of every unit


class Bench:
    """``nets`` with their stimuli, codes [N, MW] each, compiled into one emulator.

    With ``gates`` the units are what synthesis sees: gates in the place of operators that simulate faster.
    """

    def __init__(self, nets: Sequence[Net], stimuli: Sequence[np.ndarray], folder: Path, gates: bool = False) -> None:
        self.nets, self.stimuli = nets, stimuli
        self.streams = [streams(net) for net in nets]
        rtl = folder / "rtl"
        rtl.mkdir()
        for i, (net, (source, *_), codes) in enumerate(zip(nets, self.streams, stimuli, strict=True)):
            beats = source.pack(codes).reshape(-1, source.beat_bytes)[:, ::-1]
            (rtl / f"net{i}.dat").write_text("".join(beat.tobytes().hex() + "\n" for beat in beats))
            for k, unit in enumerate(net):
                unit.write(rtl, f"net{i}_unit{k}")
        for file in RTL_FILES:
            text = file.read_text()
            (rtl / file.name).write_text(text.replace("`ifdef VERILATOR", "`ifdef NEVER") if gates else text)
        shutil.copy(RTL / "stream_source.sv", rtl)
        self._control_bytes = -(-(2 + self._links) // 8)
        self._log_bytes = sum(1 + stream.beat_bytes for net in self.streams for stream in net)
        (rtl / "accel.sv").write_text(self._top())
        geometry = Geometry(*(Stream(1, count, 8, 8 * count) for count in (self._control_bytes, self._log_bytes)))
        write_shell(geometry, 0, rtl)
        # No optimisation: compiling takes far longer than running. The run-time library is shared with all emulators.
        with mock.patch("quarl.hw.emulation.emulator._is_slow", lambda file: not file.name.startswith("verilated")):
            library = build_emulator(rtl, geometry, folder)
        self._emulator = Emulator(library, rtl)

    def close(self) -> None:
        """Free the emulator."""
        self._emulator.close()

    def reset(self, cycles: int) -> None:
        """Reset the nets; their stimuli begin anew."""
        self._run(np.ones(cycles, bool), np.zeros(cycles, bool), np.zeros((cycles, self._links), bool))

    def run(self, go: np.ndarray, stalls: np.ndarray | None = None) -> Log:
        """Run for as many cycles as ``go`` has; in those where it is true, every net may begin a vector.

        ``stalls``, bool [cycles, all streams], holds the streams back.
        """
        none = np.zeros((len(go), self._links), bool)
        return self._run(none[:, 0], go, none if stalls is None else stalls)

    def play(self, stalls: Callable[[int], np.ndarray]) -> Log:
        """Let all stimuli through, until nothing moves any more; ``stalls(n)`` makes the stalls of n cycles."""
        logs: list[Log] = []
        while len(logs) < _LIMIT // _CHUNK and (not logs or any(len(seen.cycles) for net in logs[-1] for seen in net)):
            logs.append(self.run(np.ones(_CHUNK, bool), stalls(_CHUNK)))
        return [[Seen.joined(parts) for parts in zip(*net, strict=True)] for net in zip(*logs, strict=True)]

    @property
    def _links(self) -> int:
        return sum(map(len, self.streams))

    def _run(self, reset: np.ndarray, go: np.ndarray, stalls: np.ndarray) -> Log:
        control = np.packbits(np.column_stack([reset, go, stalls]), axis=1, bitorder="little")
        log, _, _ = self._emulator.stream(control, len(control), self._log_bytes, len(control))
        seen: Log = []
        at = 0
        for net in self.streams:
            seen.append([])
            for stream in net:
                flags, data = log[:, at], log[:, at + 1:at + 1 + stream.beat_bytes]
                seen[-1].append(Seen(flags & 1 == 1, flags & 2 == 2, data))
                at += 1 + stream.beat_bytes
        return seen

    def _top(self) -> str:
        """The module ``accel``: control beats in, log beats out, in the same cycle."""
        body, stall, at = [], 2, 0
        for i, (net, links, codes) in enumerate(zip(self.nets, self.streams, self.stimuli, strict=True)):
            for k, link in enumerate(links):
                body.append(_link(i, k, link.width, stall, at, inner=k > 0))
                stall, at = stall + 1, at + 8 + link.width
            body.append(_source(i, links[0], len(codes)))
            body += [_unit(i, k) for k in range(len(net))]
            body.append(f"  assign r{i}_{len(net)}_tready = 1;")
        return f"""module accel (
  input ap_clk, input ap_rst_n,
  input [{8 * self._control_bytes - 1}:0] s_axis_0_tdata, input s_axis_0_tvalid, output s_axis_0_tready,
  output [{8 * self._log_bytes - 1}:0] m_axis_0_tdata, output m_axis_0_tvalid, input m_axis_0_tready
);
  assign s_axis_0_tready = m_axis_0_tready;
  assign m_axis_0_tvalid = s_axis_0_tvalid;
  wire rst_n = ap_rst_n && !(s_axis_0_tvalid && s_axis_0_tdata[{_RESET}]);
  wire go = s_axis_0_tvalid && s_axis_0_tdata[{_GO}];
{chr(10).join(body)}
endmodule
"""


def _source(net: int, stream: Stream, vectors: int) -> str:
    return (f"  stream_source #(.WIDTH({stream.width}), .COUNT({vectors * stream.beats}), .BEATS({stream.beats}), "
            f'.FILE("net{net}.dat")) source{net} (\n    .clk(ap_clk), .rst_n, .go, .tdata(d{net}_0_tdata), '
            f".tvalid(d{net}_0_tvalid), .tready(d{net}_0_tready));")


def _link(net: int, k: int, width: int, stall: int, at: int, inner: bool) -> str:
    """A gate between the streams ``d`` of the driver and ``r`` of the receiver, and the log of the unit's side."""
    d, r = f"d{net}_{k}", f"r{net}_{k}"
    wires = "".join(f"  wire [{width - 1}:0] {side}_tdata; wire {side}_tvalid, {side}_tready;\n" for side in (d, r))
    unit = d if inner else r
    return (f"{wires}  stall_gate #(.W({width})) gate{net}_{k} (\n"
            f"    .clk(ap_clk), .rst_n, .stall(s_axis_0_tdata[{stall}]),\n"
            f"    .s_tdata({d}_tdata), .s_tvalid({d}_tvalid), .s_tready({d}_tready),\n"
            f"    .m_tdata({r}_tdata), .m_tvalid({r}_tvalid), .m_tready({r}_tready));\n"
            f"  assign m_axis_0_tdata[{at} +: {8 + width}] = {{{unit}_tdata, 6'b0, {unit}_tready, {unit}_tvalid}};")


def _unit(net: int, k: int) -> str:
    pins = ", ".join(f".{port}_V_{signal.upper()}({wire}_{signal})"
                     for port, wire in (("in0", f"r{net}_{k}"), ("out0", f"d{net}_{k + 1}"))
                     for signal in ("tdata", "tvalid", "tready"))
    return f"  net{net}_unit{k} net{net}_unit{k}_i (.ap_clk, .ap_rst_n(rst_n), {pins});"
