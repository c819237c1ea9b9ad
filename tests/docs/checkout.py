"""A scratch folder like a checkout, in which the commands and the Python of pages run."""
from __future__ import annotations

import os
import shlex
import shutil
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

from quarl.build_flows.cli import main
from tests.docs.documents import ROOT, Block, blocks
from tests.docs.listed import appended, elsewhere, is_slow, listed

PORT = "127.0.0.1:5555"     # of the documents; the tests take a free one
_QUARL = [sys.executable, "-c", "import sys; from quarl.build_flows.cli import main; sys.exit(main())"]


class Checkout:
    """A folder with the studies, runs of its own, and servers that run until the page ends."""

    def __init__(self, folder: Path):
        self.folder = folder
        shutil.copytree(ROOT / "studies", folder / "studies", ignore=shutil.ignore_patterns("results"))
        self._servers: list[subprocess.Popen[str]] = []
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self._address = "127.0.0.1:%d" % free.getsockname()[1]

    def prepare(self) -> None:
        """The runs that pages take as given."""
        for command in listed()["prepared"]:
            self.run(command)
        for copy, run in listed()["copies"].items():
            shutil.copytree(self.folder / run, self.folder / copy)

    def play(self, page: str, slow: bool) -> None:
        """Run what is to run of a page, with one namespace for all of its Python; the slow commands if ``slow``."""
        names: dict[str, Any] = {"__name__": "__main__"}
        for block in blocks(page):
            if block.kind == "python":
                self.python(block, names)
            elif block.kind == "shell":
                for command in block.commands:
                    if command not in elsewhere() and (slow or not is_slow(command)):
                        self.run(command)

    def run(self, command: str) -> None:
        """A ``quarl`` command, which must end well; one that serves goes on, and listens when this returns."""
        program, *words = shlex.split(f"{command} {appended(command)}".replace(PORT, self._address).replace(" &", ""))
        assert program == "quarl", f"{command}: the tests run no other program; list it in commands.yaml"
        if words[0] != "serve":
            assert main(words) == 0, command
            return
        server = subprocess.Popen([*_QUARL, *words], stdout=subprocess.PIPE, text=True, cwd=self.folder,
                                  env={**os.environ, "PYTHONPATH": str(ROOT)})
        self._servers.append(server)
        assert server.stdout is not None and server.stdout.readline().startswith("serving "), command

    def python(self, block: Block, names: dict[str, Any]) -> None:
        """A block of Python; tracebacks show its lines of the page."""
        exec(compile("\n" * (block.line - 1) + block.text, str(ROOT / block.page), "exec"), names)

    def stop(self) -> None:
        """End the servers, which must end well."""
        while self._servers:
            with self._servers.pop() as server:
                server.send_signal(signal.SIGTERM)
                assert server.wait(60) == 0
