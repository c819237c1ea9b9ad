"""Nothing may be left in the temporary folder: the session has one of its own, and fails if something stays there.

Every process of the session (each worker of xdist is one) has its folder below pytest's, for itself and, by TMPDIR, for
the programs that it starts. What a test leaves may yet be removed by a fixture of its module or session, so the end of
the session decides; the test after which it was first seen is named.
"""
from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator

import pytest

# Folders of libraries that are for all processes of a user, or that they make where they are told of no other: torch
# makes its cache on import, Stable-Baselines3 a log for a training without a logger.
OF_LIBRARIES = {"TORCHINDUCTOR_CACHE_DIR": "torch", "SB3_LOGDIR": "sb3"}


class Folder:
    """The temporary folder of a process of the session, and what tests left there."""

    def __init__(self, config: pytest.Config) -> None:
        # pytest tells its folder to a fixture only, and a folder may be asked for before the first test: on import.
        base = config._tmp_path_factory.getbasetemp()       # type: ignore[attr-defined]
        self.path = str(base / "t")                         # short: the path of a Unix socket has 107 bytes at most
        os.mkdir(self.path)
        os.environ |= {"TMPDIR": self.path, **{variable: str(base / name) for variable, name in OF_LIBRARIES.items()}}
        tempfile.tempdir = None
        self.config = config
        self.seen: dict[str, str] = {}      # entry of the folder: the test after which it was first there
        self.left: list[str] = []           # said of what stayed, of all processes

    def look(self, after: str) -> None:
        """Note what is new."""
        for name in os.listdir(self.path):
            self.seen.setdefault(name, after)

    @pytest.hookimpl(trylast=True)
    def pytest_collection_finish(self) -> None:
        self.look("the tests' import")

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Iterator[None]:
        result = yield
        self.look(item.nodeid)
        return result

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        self.look("the last test")
        self.left += [f"{name}, first seen after {after}" for name, after in self.seen.items()
                      if os.path.lexists(os.path.join(self.path, name))]
        if hasattr(self.config, "workeroutput"):
            self.config.workeroutput["left"] = self.left        # the controller fails
        elif self.left and session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: object) -> None:
        """A worker of xdist has ended."""
        self.left += getattr(node, "workeroutput", {}).get("left", [])

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        if self.left:
            terminalreporter.section("left in the temporary folder", red=True)
            for line in self.left:
                terminalreporter.line(line)
            terminalreporter.line("A test, or what it runs, must remove the temporary files that it makes.")


@pytest.hookimpl(trylast=True)
def pytest_configure(config: pytest.Config) -> None:
    config.pluginmanager.register(Folder(config), "temporary-folder")
