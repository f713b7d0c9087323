"""The way into a process of the cluster that trains. Imports nothing that takes seconds.

Ray's own processes beside it unpack this as well, and would load torch and Lightning for nothing.
"""

from typing import Any

import ray


def done_there(given: dict[str, Any]) -> None:
    """Call what lies in the object store.

    Args:
        given: Its reference, as "work".
    """
    ray.get(given["work"])()
