"""What the Data page says, without a browser."""

import pytest

from scenelet.app.charts import class_balance
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


def test_classes_whose_names_are_shortened_alike_have_a_bar_each():
    names = [f"American Staffordshire Terrier {how} with people in front" for how in "ab"]
    spec = class_balance([{"label": name, "split": "train", "images": 3} for name in names])
    assert [row["class"] for row in spec["data"]["values"]] == [0, 1]
