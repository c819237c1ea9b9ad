"""What Vivado's log says: how far it is, what went wrong, and what to do about it."""
from __future__ import annotations

import re
from dataclasses import dataclass, field

_STARTS = {"check": re.compile(r"(?!)"),        # nothing starts it: it is the first
           "package the bridge": re.compile(r"quarl: step bridge "),
           "synthesise the DMAs": re.compile(r"quarl: step hls_"),
           "stitch the accelerator": re.compile(r"quarl: step stitch"),
           "block design": re.compile(r"quarl: step shell "),
           "synthesis": re.compile(r"Command: synth_design|Launched synth_1"),
           "logic optimisation": re.compile(r"Command: opt_design"), "placement": re.compile(r"Command: place_design"),
           "routing": re.compile(r"Command: route_design"), "bitstream": re.compile(r"Command: write_bitstream"),
           "reports": re.compile(r"Command: report_utilization -hierarchical")}
PHASES = tuple(_STARTS)
"""What a build goes through, in order: the bridge or the DMAs, not both."""

_MESSAGE = re.compile(r"(ERROR|CRITICAL WARNING): (\[[^\]]+\] ?.*)")
_SPOKEN = re.compile(r"error: (.*)\. Fix: (.*)")      # by build.sh itself
# Messages that come with every failure and say nothing about its cause.
_EMPTY = ("[Common 17-39]", "[Common 17-69]", "[Vivado 12-13638]", "[Common 17-180]")

_CAUSES = (
    (re.compile(r"licen[sc]e|Common 17-345|Common 17-348", re.IGNORECASE),
     "set XILINXD_LICENSE_FILE to a licence for this device (Vivado ML Standard needs none for a Zynq-7020 and the "
     "smaller UltraScale+ chips: install that edition)"),
    (re.compile(r"No space left on device|disk (is )?full|Common 17-1(4|83)\b", re.IGNORECASE),
     "free some space on the disk of the build folder, and repeat the command: finished steps are kept"),
    (re.compile(r"Board 49-|board_part"), "put the board's files into the kit's folder board_files"),
    (re.compile(r"Common 17-354|[Oo]ut of memory|bad_alloc"),
     "give it more memory: about 4 GB are needed"),
    (re.compile(r"Vivado 12-172\b|does not exist"), "make the kit again: one of its files is missing"),
)
_MOST = 5     # messages told


@dataclass
class Log:
    """A log as it is read, line by line."""

    phase: int = 0
    errors: list[str] = field(default_factory=list)
    critical_warnings: list[str] = field(default_factory=list)
    advice: str | None = None        # of build.sh

    def read(self, line: str) -> None:
        """Take in a line. A phase never goes back: out-of-context runs overlap."""
        for phase, pattern in enumerate(_STARTS.values()):
            if pattern.search(line):
                self.phase = max(self.phase, phase)
        message = _MESSAGE.search(line)
        if message:
            found = self.errors if message[1] == "ERROR" else self.critical_warnings
            if not message[2].startswith(_EMPTY) and message[2] not in found:
                found.append(message[2].strip())
        elif spoken := _SPOKEN.match(line):
            self.errors.append(spoken[1])
            self.advice = spoken[2]
        elif "No space left on device" in line and line.strip() not in self.errors:
            self.errors.append(line.strip())

    def told(self) -> str:
        """The errors in one line, or the critical warnings where there is no error."""
        messages = self.errors or self.critical_warnings
        more = len(messages) - _MOST
        return "; ".join(messages[:_MOST]) + (f"; and {more} more" if more > 0 else "")

    def fix(self) -> str | None:
        """What to do about it, if one of the errors is a known one."""
        return next((fix for pattern, fix in _CAUSES for error in self.errors if pattern.search(error)), self.advice)
