"""No test may be skipped in silence: the run fails where one is that ``allowed_skips.txt`` does not list."""
from __future__ import annotations

import fnmatch
from pathlib import Path

import pytest

ALLOWED = Path(__file__).with_name("allowed_skips.txt")


def allowed() -> list[str]:
    """Patterns of the tests that may be skipped."""
    lines = (line.partition("#")[0].strip() for line in ALLOWED.read_text().splitlines())
    return [line for line in lines if line]


def reason(report: pytest.TestReport | pytest.CollectReport) -> str:
    """Why it was skipped."""
    return str(report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr)


class Skips:
    """The tests, or files of them, that were skipped and may not be, in all processes of the session."""

    def __init__(self) -> None:
        self.patterns = allowed()
        self.wrong: list[str] = []

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self.note(report)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        self.note(report)

    def note(self, report: pytest.TestReport | pytest.CollectReport) -> None:
        """Keep what is skipped against the list. A test that is expected to fail is not skipped."""
        if report.skipped and not hasattr(report, "wasxfail") and not any(
                fnmatch.fnmatchcase(report.nodeid, pattern) for pattern in self.patterns):
            self.wrong.append(f"{report.nodeid}: {reason(report)}")

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        if self.wrong and session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        if self.wrong:
            terminalreporter.section("skipped, which may not be", red=True)
            for line in self.wrong:
                terminalreporter.line(line)
            terminalreporter.line(f"Install what it needs (`make system-packages`), or list it in {ALLOWED.name}.")


def pytest_configure(config: pytest.Config) -> None:
    if not hasattr(config, "workerinput"):      # the workers of xdist report to the process that started them
        config.pluginmanager.register(Skips(), "allowed-skips")
