import pytest

from scenelet.dataset.dataset import Dataset
from scenelet.dataset.labelled import LATER, LEFT_OUT, Act, Labels, merged, standing
from scenelet.dataset.sources import source_of
from scenelet.errors import DataError


@pytest.fixture
def labels(tmp_path):
    return Labels(tmp_path / "labels" / "labels.csv")


def test_the_last_word_counts_and_every_act_can_be_undone(labels):
    said = [Act("a.jpg", "sea"), Act("a.jpg", "forest"), Act("b.jpg", "", LATER)]
    for act in said:
        labels.say(act)
    assert standing(labels.acts())["a.jpg"].label == "forest"
    assert labels.table.read_text().splitlines() == ["path,label,excluded", "a.jpg,forest,"]
    again = Labels(labels.table)  # the app was started anew
    assert [again.undo() for _ in range(4)] == [*reversed(said), None]
    assert labels.table.read_text() == "path,label,excluded\n"


def test_the_table_is_a_data_set_and_no_picture_is_moved(labels, painted):
    pictures = sorted((painted / "seg_pred").glob("*.jpg"))
    for path, label in zip(pictures[:3], ("sea", "forest", ""), strict=True):
        labels.say(Act(path.name, label, "" if label else LEFT_OUT))
    found = Dataset.open(source_of(labels.table, images=painted / "seg_pred"))
    assert found.class_names == ("forest", "sea")
    assert [row.excluded for row in found.excluded] == ["left out by hand"]
    assert all(path.is_file() for path in pictures)


def test_of_several_people_what_all_say_is_taken_and_the_rest_is_told(tmp_path):
    anna, ben = Labels(tmp_path / "anna.csv"), Labels(tmp_path / "ben.csv")
    anna.say(Act("a.jpg", "sea"))
    anna.say(Act("b.jpg", "sea"))
    anna.say(Act("c.jpg", "", LATER))
    ben.say(Act("b.jpg", "forest"))
    ben.say(Act("c.jpg", "glacier"))
    agreed, disputed = merged({"anna": anna, "ben": ben})
    assert {act.path: act.label for act in agreed} == {"a.jpg": "sea", "c.jpg": "glacier"}
    assert disputed == {"b.jpg": {"anna": "sea", "ben": "forest"}}


def test_a_damaged_log_is_told_and_not_written_over(labels):
    labels.say(Act("a.jpg", "sea"))
    labels.log.write_text("{")
    with pytest.raises(DataError, match="damaged"):
        labels.say(Act("b.jpg", "sea"))
    assert labels.log.read_text() == "{"
