import pytest

from scenelet.dataset.layout import lay_out, split_of
from scenelet.errors import ConfigError, DataError
from scenelet.files import EMPTY, Entry


def laid(*paths, name="photos"):
    return lay_out([Entry(path) for path in paths], name, name)


def placed(found):
    return {(row.label, row.split) for row in found.rows}


def each(*folders):
    return [f"{folder}/{number}.jpg" for folder in folders for number in (1, 2)]


@pytest.mark.parametrize(
    ("name", "split"),
    [
        *(("Training", "train"), ("TEST", "test"), ("valid", "val"), ("train_set", "train")),
        *(("seg_test", "test"), ("Validation-Data", "val"), ("test_images", "test")),
        *(("trainset", "train"), ("train2017", "train"), ("testing ", "test")),
        *(("TrainingSet", "train"), ("01_train", "train"), ("hold-out", "test"), ("eval", "test")),
        *(("trainval", "train"), ("PublicTest", "test"), ("Testdaten", "test"), ("", "")),
        *(("Validierungsdaten", "val"), ("entraînement", "train"), ("validação", "val")),
        *(("trains", ""), ("invalid", ""), ("test tubes", ""), ("restest", ""), ("cats", "")),
    ],
)
def test_split_folders_are_known_in_any_spelling(name, split):
    assert split_of(name) == split


@pytest.mark.parametrize(("train", "test"), [("Training", "Testing"), ("TRAIN_SET", "test-set")])
def test_a_test_part_stays_a_test_part_however_it_is_spelt(train, test):
    found = laid(*each(f"{train}/a", f"{train}/b", f"{test}/a", f"{test}/b"))
    assert placed(found) == {("a", "train"), ("b", "train"), ("a", "test"), ("b", "test")}
    assert any(f"{test}/ is the test part" in line for line in found.decided)


@pytest.mark.parametrize(
    "names", [("bus", "car", "train"), ("valid", "invalid"), ("photos", "cats"), ("test", "cup")]
)
def test_a_class_may_be_called_like_a_split_or_like_the_folder(names):
    assert placed(laid(*each(*names))) == {(name, "") for name in names}


def test_classes_beside_split_folders_are_told():
    found = laid(*each("train/cat", "train/dog", "cat", "dog"))
    assert placed(found) == {("cat", "train"), ("dog", "train")}
    told = {entry.path: (entry.reason, entry.files) for entry in found.passed_over}
    assert told == dict.fromkeys(("cat", "dog"), ("beside the split folders", 2))


def test_split_folders_are_known_by_what_their_names_do_not_share():
    found = laid(*each(*(f"birds_{part}/{name}" for part in ("train", "val") for name in "ab")))
    assert placed(found) == {(name, part) for name in "ab" for part in ("train", "val")}
    found = laid(*each("model train", "model bus"))
    assert placed(found) == {("model train", ""), ("model bus", "")}


def test_domains_of_split_folders_are_no_classes():
    with pytest.raises(DataError, match="called like split folders"):
        laid(*each("trainA", "trainB", "testA", "testB"))


@pytest.mark.parametrize("wrap", ["a/b", "my pictures", "archive/animals10/raw-img"])
def test_folders_that_hold_nothing_but_one_folder_are_no_class(wrap):
    found = laid(*each(f"{wrap}/cat", f"{wrap}/dog"))
    assert placed(found) == {("cat", ""), ("dog", "")}
    assert f"the data set lies in {wrap}/" in found.decided[0]


def test_a_lonely_folder_called_like_a_split_is_a_question():
    with pytest.raises(DataError, match=r"train/ may be the training part .* or a class beside"):
        laid(*each("train/steam", "train/diesel", "bus", "car"))


@pytest.mark.parametrize("parts", [("images", "masks"), ("fold1", "fold2"), ("day", "night")])
def test_folders_that_all_hold_the_same_sub_folders_are_a_question(parts):
    paths = each(*(f"{part}/{name}" for part in parts for name in ("cat", "dog")))
    with pytest.raises(DataError, match="one level deeper"):
        laid(*paths)


def test_split_folders_inside_class_folders_are_understood():
    found = laid(*each("rose/train", "rose/test", "tulip/train", "tulip/test"))
    assert placed(found) == {
        (name, part) for name in ("rose", "tulip") for part in ("train", "test")
    }


def test_sub_folders_of_a_class_count_as_the_class_and_are_told():
    found = laid(*each("animal/cat", "animal/dog", "plant/oak"))
    assert placed(found) == {("animal", ""), ("plant", "")}
    assert any("animal/ has sub-folders (cat, dog)" in line for line in found.decided)


@pytest.mark.parametrize("wrap", ["photos", "PHOTOS", "archive"])
def test_an_archive_that_wrapped_its_folder_is_understood(wrap):
    found = laid(*each(f"{wrap}/train/a", f"{wrap}/train/b", f"{wrap}/test/a", f"{wrap}/test/b"))
    assert placed(found) == {(name, part) for name in "ab" for part in ("train", "test")}


def test_a_part_without_class_folders_is_unlabelled():
    found = laid(*each("train/a", "train/b", "test", "unlabelled"))
    assert placed(found) == {("a", "train"), ("b", "train")}
    assert {(entry.path, entry.reason) for entry in found.passed_over} == {
        ("test", "unlabelled"),
        ("unlabelled", "unlabelled"),
    }


def test_flat_split_folders_are_refused_with_what_to_do():
    with pytest.raises(DataError, match="Make one sub-folder per class"):
        laid(*each("train", "test"))


def test_a_class_folder_without_an_image_is_told():
    entries = [*map(Entry, each("cat", "dog")), Entry("bird", EMPTY, 0), Entry("fox/a.txt", "no")]
    found = lay_out(entries, "photos", "photos")
    told = {entry.path: entry.reason for entry in found.passed_over}
    assert told["bird"] == told["fox"] == "class folder without an image"
    assert told["fox/a.txt"] == "no"


def test_twins_among_class_names_are_told_so_that_they_can_be_told_apart():
    found = laid(*each("caf\u00e9", "cafe\u0301"))
    assert len(placed(found)) == 2
    assert r"'caf\xe9'" in found.decided[0]
    assert r"'cafe\u0301'" in found.decided[0]


def test_names_that_differ_in_unseen_letters_alone_are_told():
    assert r"'ab', 'a\u200bb'" in laid(*each("ab", "a\u200bb")).decided[0]


def test_a_class_as_programs_write_a_missing_label_is_told():
    assert laid(*each("cat", "nan")).decided[0].startswith("class 'nan': programs write that")


@pytest.mark.parametrize("above", ["", "train/"])
@pytest.mark.parametrize(("masks", "end"), [("masks", ""), ("Annotations", "_mask"), ("gt", "-gt")])
def test_masks_beside_their_pictures_are_a_question(above, masks, end):
    pictures = [f"{above}images/{number}.jpg" for number in range(4)]
    drawn = [f"{above}{masks}/{number}{end}.png" for number in range(4)]
    with pytest.raises(DataError, match=f"{masks}/ holds a picture for each of images/"):
        laid(*pictures, *drawn)
    found = lay_out([Entry(path) for path in pictures + drawn], "photos", "photos", "1")
    assert {row.label for row in found.rows} == {"images", masks}


def test_a_class_of_masks_is_a_class():
    found = laid("masks/a.jpg", "masks/b.jpg", "hats/c.jpg", "hats/d.jpg")
    assert {row.label for row in found.rows} == {"masks", "hats"}


def test_every_picture_is_a_row_or_passed_over():
    paths = [*each("train/a", "train/b/deep", "test/a", "test/b", "extra", "train"), "stray.jpg"]
    found = laid(*paths)
    assert len(found.rows) + sum(entry.files for entry in found.passed_over) == len(paths)


@pytest.mark.parametrize(
    ("level", "labels"),
    [
        ("1", {"animal", "plant"}),
        ("2", {"cat", "dog", "oak"}),
        ("leaf", {"cat", "indoor", "oak"}),
        ("path", {"animal/cat", "animal/dog/indoor", "plant/oak"}),
    ],
)
def test_the_level_of_folders_that_names_the_classes_can_be_said(level, labels):
    paths = each("animal/cat", "animal/dog/indoor", "plant/oak")
    found = lay_out(map(Entry, paths), "photos", "photos", level)
    assert {row.label for row in found.rows} == labels
    found = lay_out([Entry(f"train/{path}") for path in paths], "photos", "photos", level)
    assert placed(found) == {(label, "train") for label in labels}


def test_pictures_less_deep_than_the_level_are_told():
    found = lay_out(map(Entry, each("animal/cat", "plant")), "photos", "photos", "2")
    assert {row.label for row in found.rows} == {"cat"}
    assert {entry.path for entry in found.passed_over} == {"plant/1.jpg", "plant/2.jpg"}


@pytest.mark.parametrize("level", ["0", "first", "-1"])
def test_what_is_no_level_is_refused(level):
    with pytest.raises(ConfigError, match="--label-level: found"):
        lay_out(map(Entry, each("cat", "dog")), "photos", "photos", level)


def test_numbers_that_a_spreadsheet_wrote_in_two_ways_are_told():
    assert "'01', '1', '1.0'" in laid(*each("1", "01", "1.0", "10")).decided[0]


def test_a_training_part_of_another_name_is_a_question():
    paths = [f"{part}/{label}/1.png" for part in ("apprendre", "val", "test") for label in "ab"]
    with pytest.raises(DataError, match=r"apprendre/ holds the classes .* rename it photos/train"):
        laid(*paths)
