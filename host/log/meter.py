"""The figures of a run: times per part and step, cycles, lateness, episodes."""
from __future__ import annotations

import array
from typing import Any, Dict, List, Optional, Sequence

import numpy as np

PARTS = ("encode", "device", "decode", "env", "network")      # network: of devices that have one, not within device
_POLICY = [0, 1, 2, 4]                                        # what the environment waits for
_PERCENT = (50, 90, 99)


class Times:
    """Nanoseconds per step and part, cycles and lateness of steps; 8 bytes a number, for runs of millions of steps."""

    def __init__(self) -> None:
        self.ns, self.cycles, self.late = array.array("q"), array.array("q"), array.array("q")
        self.network = False

    def add(self, spent: Sequence[int], cycles: Optional[int], late_ns: Optional[int]) -> None:
        """One step: nanoseconds of each of :data:`PARTS`, the last only where there is a network."""
        self.ns.extend(spent)
        if len(spent) == len(PARTS):
            self.network = True
        else:
            self.ns.append(0)
        if cycles is not None:
            self.cycles.append(cycles)
        if late_ns is not None:
            self.late.append(late_ns)

    def extend(self, other: "Times") -> None:
        """Add all steps of ``other``."""
        self.ns.extend(other.ns)
        self.cycles.extend(other.cycles)
        self.late.extend(other.late)
        self.network = self.network or other.network

    def microseconds(self) -> Dict[str, np.ndarray]:
        """Per part that there is, and for ``policy``, all that the environment waits for: float64 [steps]."""
        spent = np.array(self.ns, np.int64).reshape(-1, len(PARTS)) / 1e3
        columns = {name: column for name, column in zip(PARTS, spent.T) if name != "network" or self.network}
        columns["policy"] = spent[:, _POLICY].sum(axis=1)
        return columns

    @property
    def misses(self) -> int:
        """Steps that were late."""
        return sum(late > 0 for late in self.late)


class Meter:
    """Collects the episodes that were played to their end."""

    def __init__(self) -> None:
        self.times = Times()
        self.episodes: List[Dict[str, Any]] = []

    def add(self, record: Dict[str, Any], times: Times) -> None:
        """An episode: its record in the log, and its steps."""
        self.episodes.append(record)
        self.times.extend(times)

    def summary(self, wall: float, clock_mhz: Optional[float]) -> Dict[str, Any]:
        """The closing figures: return, steps per second, latency percentiles in microseconds, cycles, misses."""
        times, returns = self.times, [episode["return"] for episode in self.episodes]
        steps = sum(episode["length"] for episode in self.episodes)
        result: Dict[str, Any] = {
            "episodes": len(returns), "steps": steps,
            "return_mean": float(np.mean(returns)), "return_std": float(np.std(returns)),
            "return_min": float(np.min(returns)), "return_max": float(np.max(returns)),
            "wall_s": wall, "steps_per_s": steps / wall,
            "latency_us": {name: _percentiles(column) for name, column in times.microseconds().items()},
        }
        if times.cycles:
            cycles = np.array(times.cycles)
            result["fpga_cycles"] = {"min": int(cycles.min()), "p50": float(np.percentile(cycles, 50)),
                                     "max": int(cycles.max())}
            if clock_mhz:
                result["fpga_us"] = result["fpga_cycles"]["p50"] / clock_mhz
                result["clock_mhz"] = clock_mhz
        if times.late:
            late = np.array(times.late) / 1e3
            result["deadline"] = {"misses": times.misses,
                                  "lateness_us": dict(_percentiles(late), max=float(late.max()))}
        if "shadow_checked" in self.episodes[0]:
            result["shadow"] = {name: sum(episode["shadow_" + name] for episode in self.episodes)
                                for name in ("checked", "mismatches")}
        return result


def _percentiles(column: np.ndarray) -> Dict[str, float]:
    return {"p%d" % percent: float(np.percentile(column, percent)) for percent in _PERCENT}
