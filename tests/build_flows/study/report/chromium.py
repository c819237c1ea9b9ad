"""A headless Chromium, driven by its DevTools protocol through a pair of pipes: nothing but the browser is needed."""
from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
_OPTIONS = ("--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
            "--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-extensions",
            "--remote-debugging-pipe", "--window-size=1200,1000")


def installed() -> str | None:
    """The browser's path."""
    return next(filter(None, map(shutil.which, NAMES)), None)


class Tab:
    """A page in the browser. ``events`` are all that the browser said of it, in order."""

    def __init__(self, send: int, receive: int) -> None:
        self._send, self._receive = os.fdopen(send, "wb", 0), os.fdopen(receive, "rb")
        self._last, self._session = 0, ""
        self.events: list[dict[str, Any]] = []
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(domain + ".enable")

    def call(self, method: str, **params: Any) -> dict[str, Any]:
        """What the browser answers; events that come first are kept."""
        self._last += 1
        message = {"id": self._last, "method": method, "params": params}
        self._send.write(json.dumps(message | ({"sessionId": self._session} if self._session else {})).encode() + b"\0")
        while (answer := self._read()).get("id") != self._last:
            self.events.append(answer)
        if "error" in answer:
            raise RuntimeError(f"{method}: {answer['error']}")
        return dict(answer["result"])

    def _read(self) -> dict[str, Any]:
        text = bytearray()
        while (byte := self._receive.read(1)) != b"\0":
            if not byte:
                raise RuntimeError("the browser is gone")
            text += byte
        return dict(json.loads(text))

    def open(self, page: Path) -> None:
        """Go to a file, until it is loaded."""
        self.call("Page.navigate", url=page.resolve().as_uri())
        while not any(event["method"] == "Page.loadEventFired" for event in self.events):
            self.events.append(self._read())

    def evaluate(self, expression: str) -> Any:
        """The value of a JavaScript expression, or of its promise; it acts as a user would."""
        answer = self.call("Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True,
                           userGesture=True)
        if "exceptionDetails" in answer:
            raise RuntimeError(answer["exceptionDetails"]["exception"].get("description", answer["exceptionDetails"]))
        return answer["result"].get("value")

    def mouse(self, kind: str, x: float, y: float) -> None:
        """``mouseMoved``, ``mousePressed`` or ``mouseReleased`` of the left button."""
        button = {} if kind == "mouseMoved" else {"button": "left", "clickCount": 1}
        self.call("Input.dispatchMouseEvent", type=kind, x=x, y=y, **button)

    def requests(self) -> list[str]:
        """The addresses that pages asked for."""
        return [event["params"]["request"]["url"] for event in self.events
                if event["method"] == "Network.requestWillBeSent"]

    def complaints(self) -> list[Any]:
        """Errors and warnings of the console, and exceptions that nothing caught."""
        return [event["params"] for event in self.events if event["method"] == "Runtime.exceptionThrown"
                or (event["method"] == "Log.entryAdded" and event["params"]["entry"]["level"] in ("error", "warning"))
                or (event["method"] == "Runtime.consoleAPICalled"
                    and event["params"]["type"] in ("error", "warning", "assert"))]


@contextmanager
def tab(folder: Path) -> Iterator[Tab]:
    """A fresh browser, whose profile is kept in ``folder``, with one page."""
    (its_input, send), (receive, its_output) = os.pipe(), os.pipe()
    # The browser reads descriptor 3 and writes 4.
    command = ["bash", "-c", f'exec "$@" 3<&{its_input} 4>&{its_output}', "bash", str(installed()), *_OPTIONS,
               f"--user-data-dir={folder}"]
    with subprocess.Popen(command, pass_fds=(its_input, its_output), stdout=subprocess.DEVNULL,
                          stderr=subprocess.DEVNULL) as process:
        os.close(its_input)
        os.close(its_output)
        try:
            yield Tab(send, receive)
        finally:
            process.kill()
