from scenelet.runs.history import Epoch, chosen, read_history, write_history

EPOCHS = [
    Epoch(0, 1.5, 0.9, 0.60, 0.002, 3.2),
    Epoch(1, 1.2, 0.7, 0.70, 0.001, 3.1),
    Epoch(2, 1.1, 0.8, 0.80, 0.0001, 3.3),
]


def test_the_epoch_that_training_keeps_is_the_one_of_lowest_log_loss_not_of_highest_accuracy():
    assert chosen(EPOCHS) == EPOCHS[1]
    assert EPOCHS[1].number == 2


def test_of_equal_epochs_the_first_is_kept():
    same = [Epoch(n, 1.0, 0.5, 0.5 + n / 10, 0.1, 1.0) for n in (2, 0, 1)]
    assert chosen(same).epoch == 0


def test_of_no_epoch_none_is_kept():
    assert chosen([]) is None


def test_what_is_written_is_read_back_as_numbers(tmp_path):
    write_history(tmp_path / "metrics.csv", EPOCHS)
    assert read_history(tmp_path / "metrics.csv") == EPOCHS


def test_a_training_that_has_ended_no_epoch_has_no_history(tmp_path):
    assert read_history(tmp_path / "metrics.csv") == []
    (tmp_path / "metrics.csv").write_text("epoch,train_loss\n0,abc\n")
    assert read_history(tmp_path / "metrics.csv") == []
