"""Connect to a Ray cluster: found out quickly where it is not there, or does not let us in.

Every error of ray on the way becomes one line.
"""

import logging
import os
import re
import socket
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import ray
from ray._private.authentication.authentication_token_setup import (
    enable_token_auth_by_default,
    ensure_token_if_auth_enabled,
    maybe_enable_token_auth_if_token_available,
)
from ray._private.services import canonicalize_bootstrap_address
from ray._raylet import GcsClient  # type: ignore[attr-defined]
from ray.exceptions import AuthenticationError
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from scenelet.errors import ClusterError
from scenelet.quiet import quiet

AUTO, LOCAL = "auto", "local"
_SETTINGS = {
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_ENABLE_UV_RUN_RUNTIME_ENV": "0",  # workers keep the Python they have
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
}
_PROBE_S = 2.0
_HOST_AND_PORT = re.compile(r"(\[[\da-fA-F:.]+\]|[^\s:/\[\]]+):\d{1,5}")
_HELLO = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes([0, 0, 0, 4, 0, 0, 0, 0, 0])  # as gRPC begins
_TOKEN = "RAY_AUTH_MODE=token, and RAY_AUTH_TOKEN or ~/.ray/auth_token as on the head"  # noqa: S105


@contextmanager
def connected(address: str) -> Iterator[None]:
    """Be a driver of a cluster while the block runs.

    Args:
        address: "auto", "local" for one of this machine's cores alone, or HOST:PORT.

    Raises:
        ClusterError: Nothing answers there, or it does not let us in.
    """
    for name, value in _SETTINGS.items():
        os.environ.setdefault(name, value)
    place = LOCAL if address == LOCAL else _reached(address)
    try:
        with warnings.catch_warnings(action="ignore"):
            _init(place)
    except Exception as error:  # ray raises ConnectionError, RuntimeError, its own and others
        raise ClusterError(f"--address {place}: {_why(error)}") from error
    try:
        yield
    finally:
        ray.shutdown()


def _init(place: str) -> None:
    options: dict[str, Any] = {}
    if place == LOCAL:
        with quiet():  # it warns of what it does: nobody else shall run code in it
            enable_token_auth_by_default()
        options["include_dashboard"] = False
    ray.init(
        place, log_to_driver=False, logging_level=logging.ERROR, configure_logging=False, **options
    )


def _reached(address: str) -> str:
    """HOST:PORT of a head that answers and lets us in: ray itself would try for minutes."""
    found = _found(address)
    try:
        is_ray = _speaks_as_ray(found)
    except OSError as error:
        raise ClusterError(
            f"--address {address}: nothing answers at {found} ({error.strerror or error}). Start a"
            " head there (`ray start --head`), or give its HOST:PORT."
        ) from error
    refusal = _refusal(found, address == AUTO) if is_ray else None
    if isinstance(refusal, AuthenticationError):
        raise ClusterError(f"--address {address}: {_why(refusal)}") from refusal
    if refusal or not is_ray:
        raise ClusterError(
            f"--address {address}: what answers at {found} is no head of a Ray cluster. Give its"
            " port of `ray start --head`, 6379 unless somebody chose another."
        ) from refusal
    return found


def _found(address: str) -> str:
    wished = os.environ.get("RAY_ADDRESS") or AUTO if address == AUTO else address
    if wished != AUTO and not _HOST_AND_PORT.fullmatch(wished):
        raise ClusterError(
            f"--address: found {wished}, expected auto, local or HOST:PORT of a head that this"
            " machine is a node of (`ray start --address=...`), or use `ray job submit`"
        )
    try:
        found = canonicalize_bootstrap_address(wished)
    except (ValueError, OSError):
        found = None
    if not found:
        raise ClusterError(
            f"--address {address}: no cluster found. Give HOST:PORT of its head, start one (`ray"
            " start --head`), or say --address local for this machine alone."
        )
    return str(found)


def _speaks_as_ray(found: str) -> bool:
    """Whether a server answers in ray's own protocol, which a page or a database does not.

    Raises:
        OSError: Nobody is there.
    """
    host, _, port = found.rpartition(":")
    with socket.create_connection((host.strip("[]"), int(port)), _PROBE_S) as wire:
        if os.environ.get("RAY_USE_TLS", "0") != "0":
            return True
        try:
            wire.sendall(_HELLO)
            return wire.recv(9)[3:4] == _HELLO[-6:-5]
        except OSError:  # it hung up, or says nothing
            return False


def _refusal(found: str, is_here: bool) -> Exception | None:
    """Why a head does not let us in; None if it does.

    Args:
        found: Its HOST:PORT.
        is_here: Whether it may have the token that lies on this machine, as ray has it: one at an
            address that somebody gave gets it only where RAY_AUTH_MODE says so.
    """
    with quiet():
        try:
            ensure_token_if_auth_enabled(create_token_if_missing=False)
            GcsClient(address=found)
        except AuthenticationError as error:
            if is_here and "RAY_AUTH_MODE" not in os.environ:
                maybe_enable_token_auth_if_token_available(warn_if_disabled=False)
                return _refusal(found, is_here=False)
            refused: Exception = error
        except Exception as error:  # ray raises its own and others
            refused = error
        else:
            return None
    return refused


def _why(error: Exception) -> str:
    told = " ".join(str(error).split())
    if isinstance(error, AuthenticationError):
        return (
            f"the cluster asks for a token, and not for the one given here, if any. Set {_TOKEN}."
        )
    if "ersion mismatch" in told:
        return f"{told[:300]} Install the same ray and Python on all nodes and here."
    return f"can't connect: {told[:200]}"


def beside_driver() -> Any:
    """Where an actor lives as long as the command that started it: on its machine, if it may."""
    here = ray.get_runtime_context().get_node_id()
    return NodeAffinitySchedulingStrategy(here, soft=True)
