import pytest
from local_server import Server

from scenelet.serve import aws_lambda


@pytest.fixture(autouse=True)
def fresh_lambda():
    """The Lambda door keeps its settings and its model for the life of a process.

    Here, of a test.
    """

    def forget():
        for kept in (aws_lambda._service, aws_lambda._predictor):
            kept.cache_clear()

    forget()
    yield
    forget()


@pytest.fixture
def serve(tmp_path):
    servers = []

    def start(bundle, *flags):
        servers.append(Server(bundle, tmp_path / f"server-{len(servers)}.log", *flags))
        return servers[-1]

    yield start
    for server in servers:
        server.process.kill()
        server.process.wait()
