"""Ports that a command is to listen at: free, or said so before anything is promised."""

import socket

from scenelet.errors import ConfigError


def is_free(host: str, port: int) -> bool:
    """Whether nobody listens there, and this machine has such an address."""
    return not _refusal(host, port)


def listened_at(host: str, port: int) -> int:
    """The port itself; one that is free for 0.

    Raises:
        ConfigError: It is taken, not allowed, or this machine has no such address.
    """
    port = port or _any(host)
    if refused := _refusal(host, port):
        raise ConfigError(
            f"{host}:{port}: can't listen there: {refused}. Give another --port (0: any that is"
            " free) or --host."
        )
    return port


def _refusal(host: str, port: int) -> str:
    """Why the system lets nobody listen there; empty where it does."""
    try:
        _bound(host, port)
    except (OSError, OverflowError) as error:
        return getattr(error, "strerror", None) or str(error).rstrip(".")
    return ""


def _any(host: str) -> int:
    try:
        return _bound(host, 0)
    except OSError:
        return 0  # which is refused with the reason


def _bound(host: str, port: int) -> int:
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind((host, port))
        return int(probe.getsockname()[1])
