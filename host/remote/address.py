"""Addresses of servers: tcp://HOST:PORT."""
from __future__ import annotations

import ipaddress

from quarl.host.errors import UserError


def require(address: str) -> str:
    """``address``. Raises :class:`UserError` unless it is tcp://HOST:PORT."""
    scheme, _, rest = address.partition("://")
    host, _, port = rest.rpartition(":")
    if scheme != "tcp" or not host or not port.isdigit() or int(port) > 65535:
        raise UserError("the address must be tcp://HOST:PORT", address, "write for example tcp://127.0.0.1:5555")
    return address


def is_loopback(address: str) -> bool:
    """Whether only this machine can reach ``address``; False for a name, an interface or ``*``."""
    host = address.partition("://")[2].rpartition(":")[0].strip("[]")
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
