"""Whether Docker is here, and whether this user may use it."""
from __future__ import annotations

import os
import shutil
import socket

from quarl.host.errors import ToolError

_SOCKET = "/var/run/docker.sock"


def check() -> str:
    """Where program and engine are. Raises :class:`ToolError` for no program, no engine, or no right to use it."""
    program = shutil.which("docker")
    if program is None:
        raise ToolError("to build and run the image, the program docker must be on the PATH", "none",
                        "apt-get install docker.io (Debian, Ubuntu)")
    host = os.environ.get("DOCKER_HOST") or f"unix://{_SOCKET}"
    if not host.startswith("unix://"):
        return f"{program}, engine at {host}, which was not asked"
    path = host.removeprefix("unix://")
    try:
        with socket.socket(socket.AF_UNIX) as connection:
            connection.connect(path)
    except PermissionError as error:
        raise ToolError("this user must have the right to use Docker's engine", f"{error.strerror} at {path}",
                        'sudo usermod -aG docker "$USER", then log in again') from error
    except OSError as error:
        raise ToolError("Docker's engine must run", f"{error.strerror} at {path}",
                        "sudo systemctl start docker, or point DOCKER_HOST at an engine") from error
    return f"{program}, engine at {path}"
