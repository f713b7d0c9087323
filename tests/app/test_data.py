"""What the Data page says, without a browser."""

import pytest

from scenelet.app.data import none_in_doubt
from scenelet.dataset.row import Row


@pytest.mark.parametrize(
    ("qualities", "told"),
    [
        ((0.9, 0.8), "No label is in doubt."),
        ((0.9, None), "No label is in doubt; 1 of 2 were not judged."),
        ((None, None), "No label was judged."),
    ],
)
def test_no_doubt_is_told_apart_from_nobody_having_looked(qualities, told):
    rows = [Row(f"cat/{n}.jpg", "cat", label_quality=each) for n, each in enumerate(qualities)]
    broken = Row("cat/broken.jpg", "cat", excluded="damaged JPEG")
    assert none_in_doubt([*rows, broken]).startswith(told)
