import pytest
import torch
import torch.nn.functional as F

from scenelet.errors import ConfigError
from scenelet.learn.augment import augment
from scenelet.learn.classifier import Classifier
from scenelet.learn.distill import Teachers, require_classes
from scenelet.learn.networks import build_network, normalise
from scenelet.learn.pretrained import Pretrained, open_pretrained
from scenelet.runs.recipe import TrainConfig
from scenelet.runs.run import Run

IMAGES = torch.randint(0, 256, (4, 3, 64, 64), generator=torch.Generator().manual_seed(0)).float()


@pytest.mark.pipeline
def test_teachers_answer_with_the_mean_of_their_probabilities(run_folder, exported):
    networks = [
        open_pretrained(str(folder), "--teacher").network for folder in (run_folder, exported)
    ]
    networks[1].classifier.classifier[1].bias.data += torch.arange(6.0)
    answers = Teachers(networks).probabilities(IMAGES)
    with torch.inference_mode():
        expected = [network.eval()(normalise(IMAGES)).softmax(1) for network in networks]
    assert torch.allclose(answers, (expected[0] + expected[1]) / 2, atol=1e-5)
    assert torch.allclose(answers.sum(1), torch.ones(4), atol=1e-5)
    assert not answers.requires_grad


def test_a_teacher_of_other_classes_is_refused(bundle):
    teacher = open_pretrained(str(bundle), "--teacher")
    require_classes([teacher], teacher.class_names)
    with pytest.raises(ConfigError, match="expected cats, dogs"):
        require_classes([teacher], ("cats", "dogs"))
    with pytest.raises(ConfigError, match="none recorded"):
        require_classes([Pretrained("hub:x", teacher.network, {})], ("cats", "dogs"))


@pytest.mark.pipeline
def test_the_target_is_mixed_from_the_label_and_what_the_teacher_says_of_the_same_crop(run_folder):
    teacher = open_pretrained(str(run_folder), "--teacher").network
    teacher.classifier.classifier[1].bias.data += torch.arange(6.0)
    student = build_network({"network": "plain", "widths": [8], "depths": [1]}, 6)
    config = TrainConfig(
        train_sizes=(48,), label_smoothing=0, teacher_weight=0.25, mix_probability=1
    )
    labels = torch.tensor([0, 1, 2, 3])
    model = Classifier(student, config, [1.0] * 6, Teachers([teacher]))
    with pytest.warns(UserWarning, match="self.log"):
        loss = model.training_step((IMAGES.byte(), torch.eye(6)[labels]), 0)
    crops, hard = augment(
        IMAGES.byte(), torch.eye(6)[labels], 48, config, torch.Generator().manual_seed(0)
    )
    targets = 0.75 * hard + 0.25 * teacher.eval()(normalise(crops)).softmax(1)
    expected = F.cross_entropy(student(normalise(crops)), targets)
    assert torch.allclose(loss, expected, atol=1e-5)
    loss.backward()
    assert all(parameter.grad is None for parameter in teacher.parameters())


@pytest.mark.pipeline
def test_the_run_records_which_weights_taught_it_and_goes_on_with_no_other(
    painted, run_folder, bundle, tmp_path, scenelet
):
    flags = (
        "--recipe", "quick", "--epochs", "1", "--threads", "1", "--runs", tmp_path, "--name", "student",
    )  # fmt: skip
    done = scenelet("train", painted, *flags, "--teacher", run_folder)
    assert done.code == 0, done.err
    assert Run(tmp_path / "student").network()["teachers"] == [
        open_pretrained(str(run_folder), "--teacher").described
    ]
    done = scenelet("train", painted, *flags, "--teacher", bundle)
    assert done.code == 1
    assert "Give another --name, or remove the folder." in done.err.splitlines()[-1]
