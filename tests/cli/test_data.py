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
