import os
import socket
from unittest import mock

import pytest

from scenelet.cli.options import hosts_and_ports
from scenelet.cli.ports import is_free, listened_at
from scenelet.errors import ConfigError


@pytest.fixture
def taken():
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def test_a_port_is_known_before_anybody_is_told_of_it(taken):
    assert is_free("127.0.0.1", listened_at("127.0.0.1", 0))
    assert not is_free("127.0.0.1", taken)
    with pytest.raises(ConfigError, match=rf"127.0.0.1:{taken}: can't listen there: Address"):
        listened_at("127.0.0.1", taken)
    with pytest.raises(ConfigError, match=r"203\.0\.113\.9:0: can't listen there: Cannot assign"):
        listened_at("203.0.113.9", 0)  # an address for documents, nobody's own


def test_a_service_that_can_not_listen_promises_no_address(scenelet, taken):
    done = scenelet("serve", "--port", taken)
    assert done.code == 1
    assert "can't listen there: Address already in use. Give another --port" in done.err
    assert "open http" not in done.err


def test_what_no_option_says_is_as_the_environment_says(scenelet, monkeypatch):
    asked = []
    monkeypatch.setattr("uvicorn.run", lambda *_, **__: asked.append(dict(os.environ)))
    said = {"SCENELET_ALLOW_URL": "false", "SCENELET_TRUSTED_HOSTS": "10.0.0.5:80"}
    for options in ((), ("--allow-url", "--trust-host", "a:1")):
        with mock.patch.dict(os.environ, said):
            assert scenelet("serve", "--port", "0", *options).code == 0
    assert [each["SCENELET_ALLOW_URL"] for each in asked] == ["false", "true"]
    assert [each["SCENELET_TRUSTED_HOSTS"] for each in asked] == ["10.0.0.5:80", "a:1"]


@pytest.mark.parametrize("value", ["foo", "http://a:80", ":80", "a:", "a:b"])
def test_a_trusted_host_that_is_none_is_refused(value):
    with pytest.raises(ConfigError, match="expected HOST:PORT"):
        hosts_and_ports(["10.0.0.5:80", value])
