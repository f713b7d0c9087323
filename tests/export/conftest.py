"""What the tests of the export share."""

import pytest


@pytest.fixture(scope="session")
def bundle(exported):
    """Here it is the one that was exported just now, of `run_folder`."""
    return exported
