"""What each training picture's answer should be: its label, smoothed, and its teachers' answers.

Computed once; a teacher's answers to whole pictures are kept in the cache of features.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from scenelet.dataset.dataset import Dataset
from scenelet.dataset.split import assign_folds
from scenelet.images import PreprocessSpec
from scenelet.learn.features import Lens, features_of
from scenelet.learn.linear import choose_head, out_of_fold, shares_of
from scenelet.progress import SILENT, Progress
from scenelet.runs.recipe import TrainConfig

if TYPE_CHECKING:
    from scenelet.learn.pretrained import Pretrained

FOLDS = 5


def targets_of(
    labels: np.ndarray, class_count: int, config: TrainConfig, answers: np.ndarray | None = None
) -> np.ndarray:
    """(n, classes) float32, each row summing to 1.

    Args:
        labels: (n,) class indices.
        class_count: Number of classes.
        config: Smoothing, and the weight of the teachers.
        answers: (n, classes) of the teachers; None where there are none.
    """
    smoothed = np.full((len(labels), class_count), config.label_smoothing / class_count, np.float32)
    smoothed[np.arange(len(labels)), labels] += 1 - config.label_smoothing
    if answers is None:
        return smoothed
    mixed: np.ndarray = smoothed + config.teacher_weight * (answers - smoothed)
    return mixed.astype(np.float32)


def answers_once(
    teachers: "Sequence[Pretrained]",
    training: Dataset,
    class_names: Sequence[str],
    config: TrainConfig,
    progress: Progress = SILENT,
) -> np.ndarray:
    """Mean answers of teachers to the whole pictures: (n, classes) probabilities.

    A teacher that knows the classes answers as it is. One that does not, a backbone, answers
    through a linear head on its features, each picture by a head that was fitted without it.
    """
    labels = training.label_indices(class_names)
    answers = [
        _known(teacher, training, _spec(teacher, config), progress)
        if teacher.class_names
        else _through_a_head(teacher, training, labels, config, progress)
        for teacher in teachers
    ]
    mean: np.ndarray = np.stack(answers).mean(0)
    return mean


def _spec(teacher: "Pretrained", config: TrainConfig) -> PreprocessSpec:
    side = teacher.input_size or config.teacher_size or config.input_size
    return replace(config.preprocess, width=side, height=side)


def _known(
    teacher: "Pretrained", training: Dataset, spec: PreprocessSpec, progress: Progress
) -> np.ndarray:
    return shares_of(features_of(training, Lens.logits(teacher, spec), progress))


def _through_a_head(
    teacher: "Pretrained",
    training: Dataset,
    labels: np.ndarray,
    config: TrainConfig,
    progress: Progress,
) -> np.ndarray:
    lens = Lens.features(teacher, _spec(teacher, config))
    features = features_of(training, lens, progress)
    count = int(labels.max()) + 1
    folds = np.array(assign_folds(training.rows, FOLDS, config.seed))
    seen, unseen = folds > 0, folds == 0
    chosen = choose_head(
        features[seen], labels[seen], count, "none", (features[unseen], labels[unseen])
    )
    return out_of_fold(features, labels, folds, count, chosen.strength)
