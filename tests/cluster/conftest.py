"""Two ray nodes on this machine, a store beside them, and the scenes that lie there."""

import os
from pathlib import Path
from types import SimpleNamespace

import fsspec
import pytest
from moto_server import enter_account

pytest.importorskip("ray", reason="needs the extra ray")

OURS = "127.0.0.2"
QUIET = {
    "RAY_memory_monitor_refresh_ms": "0",  # other programs of this machine kill nothing of ours
    "RAY_worker_niceness": "0",  # on a busy machine workers at 15 get nothing
    "RAY_TRAIN_HEALTH_CHECK_INTERVAL_S": "0.5",  # how often a training is asked whether it is done
    "RAY_TRAIN_ENABLE_PREEMPTION_WATCHER": "0",  # a process that waits for a cloud's notice
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_AUTH_MODE": "token",
    "RAY_AUTH_TOKEN": "known-to-these-tests-alone",
    "RAY_DISABLE_IMPORT_WARNING": "1",
    "PYTHONWARNINGS": "ignore",
}


@pytest.fixture(scope="package")
def settings(moto, tmp_path_factory):
    """Environment of the store, for this process and for the nodes that it starts."""
    moto.reset()
    with pytest.MonkeyPatch.context() as patch:
        enter_account(patch, moto.url, tmp_path_factory.mktemp("aws"))
        patch.setenv("SCENELET_CACHE_GB", "0")
        known = [str(Path(__file__).parent), os.environ.get("PYTHONPATH", "")]
        patch.setenv("PYTHONPATH", os.pathsep.join(filter(None, known)))
        for name, value in QUIET.items():
            patch.setenv(name, value)
        fsspec.filesystem("s3", skip_instance_cache=True).mkdir(
            "ray-tests", region_name="eu-central-1"
        )
        yield patch


@pytest.fixture(scope="package")
def cluster(settings):
    """Two nodes of one CPU, which let in who has the token."""
    from ray._raylet import AuthenticationTokenLoader, Config
    from ray.cluster_utils import Cluster

    Config.initialize("")  # ray has read the environment when it was imported
    AuthenticationTokenLoader.instance().reset_cache()

    def node(address):
        return {
            "num_cpus": 1,
            "node_ip_address": address,
            "object_store_memory": 80 * 2**20,
            "include_dashboard": False,
        }

    made = Cluster(initialize_head=True, head_node_args=node(OURS), shutdown_at_exit=False)
    made.add_node(**node("127.0.0.3"))
    flags = ("--engine", "ray", "--address", made.address)
    yield SimpleNamespace(address=made.address, flags=flags)
    made.shutdown()
