import pytest

from scenelet.serve import aws_lambda


@pytest.fixture(autouse=True)
def fresh_lambda():
    """The Lambda door keeps its settings and its model for the life of a process: here, of a test."""

    def forget():
        for kept in (aws_lambda._service, aws_lambda._predictor):
            kept.cache_clear()

    forget()
    yield
    forget()
