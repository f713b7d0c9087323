import pytest

from scenelet.serve.service import Request, Service
from scenelet.serve.settings import Settings
from scenelet.serve.token import carries, new_token, sha256_of

TOKEN = new_token()


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({"authorization": f"Bearer {TOKEN}"}, True),
        ({"authorization": f"bearer  {TOKEN} "}, True),
        ({"x-scenelet-token": TOKEN}, True),
        ({"authorization": f"Basic {TOKEN}"}, False),
        ({"authorization": "Bearer wrong", "x-scenelet-token": TOKEN}, False),
        ({"x-scenelet-token": "\udce4"}, False),
        ({}, False),
    ],
)
def test_a_request_carries_the_token_or_does_not(headers, expected):
    assert carries(headers, sha256_of(TOKEN)) is expected


def test_without_it_nothing_is_decoded_or_told():
    def untouched():
        raise AssertionError("the model was asked for")

    service = Service(untouched, Settings(token_sha256=sha256_of(TOKEN)))
    for path in ("/", "/health", "/predict"):
        response = service.respond(Request("POST", path, body=b"no picture"))
        assert response.status == 401
        assert TOKEN not in response.body


def test_tokens_are_not_alike():
    assert len({new_token() for _ in range(50)}) == 50
