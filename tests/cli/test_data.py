import os

from scenelet.dataset.dataset import Dataset
from scenelet.dataset.scenes import paint_scene
from scenelet.image_formats import named


def test_every_file_of_a_folder_as_people_have_them_is_accounted_for(tmp_path, scenelet):
    photos = tmp_path / "photos"
    for kind, label in enumerate(("cat", "dog")):
        for number in range(3):
            path = photos / label / "2024" / f"{number}.jpg"
            path.parent.mkdir(parents=True, exist_ok=True)
            paint_scene("sea", 10 * kind + number).save(path)
    (photos / "cat" / "@eaDir" / "0.jpg").mkdir(parents=True)
    (photos / "cat" / "@eaDir" / "0.jpg" / "SYNOPHOTO_THUMB_M.jpg").write_bytes(b"\xff\xd8\xff")
    (photos / "cat" / "._0.jpg").write_bytes(b"\0\5\x16\7")
    (photos / "dog" / "gone.jpg").symlink_to(tmp_path / "nowhere.jpg")
    (photos / "dog" / "phone.heic").write_bytes(b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(99))
    (photos / "dog" / "broken.jpg").write_bytes(b"\xff\xd8\xff and no more")
    paint_scene("sea", 99).save(photos / "dog" / os.fsdecode(b"K\xe4se.png"))

    done = scenelet("data", "audit", photos, "--no-labels", "--out", tmp_path / "audit")
    assert done.code == 0, done.err
    here = named("HEIC").is_installed
    told = f"12 files: 7 used, {1 + here} left out (1 damaged JPEG"
    account = next(line for line in done.out.splitlines() if line.startswith("12 files"))
    assert account.startswith(told)
    assert "2 litter of a system, 1 broken link" in account
    assert here or "1 a HEIC picture" in account
    assert here or "a HEIC picture (1): save it as JPEG (an iPhone does so itself" in done.out
    assert "cat/ has sub-folders (2024): their pictures count as cat" in done.err
    # the app's page of the data shows the account of the data set with this manifest
    opened = Dataset.open(photos, tmp_path / "audit" / "manifest.csv")
    assert opened.account() == account
    assert r"dog/K\xe4se.png" in {row.path for row in opened.rows}


def test_paint_names_what_it_wrote_and_what_to_do_next(tmp_path, scenelet):
    done = scenelet("data", "paint", tmp_path / "scenes", "--per-class", 4)
    assert done.code == 0, done.err
    assert done.out.splitlines() == [
        f"wrote 36 painted scenes (seg_train 24, seg_test 6, seg_pred 6): {tmp_path / 'scenes'}",
        f"next: scenelet train {tmp_path / 'scenes'} --recipe quick",
    ]


def test_paint_refuses_a_folder_in_use(tmp_path, scenelet):
    (tmp_path / "mine.txt").touch()
    done = scenelet("data", "paint", tmp_path)
    assert done.code == 1
    assert "is not empty, nothing was painted" in done.err
