"""A start whose head is a logistic regression on the features of the network that is started from.

Those are computed once, kept in the cache, and serve `--set epochs=0` (the head alone) as well.
"""

import time
from collections.abc import Sequence

import lightning as L
import numpy as np
import torch
from torch import nn

from scenelet.dataset.dataset import Dataset
from scenelet.dataset.split import assign_folds
from scenelet.learn.classifier import Classifier
from scenelet.learn.datamodule import ImagesInMemory
from scenelet.learn.features import Lens, features_of
from scenelet.learn.linear import LinearHead, choose_head, choose_head_by_folds
from scenelet.learn.networks import head_name
from scenelet.learn.pretrained import Pretrained
from scenelet.progress import SILENT, Progress
from scenelet.runs.history import Epoch
from scenelet.runs.recipe import TrainConfig
from scenelet.runs.run import Run


def linear_head(
    start: Pretrained,
    dataset: Dataset,
    class_names: Sequence[str],
    config: TrainConfig,
    precision: str,
    progress: Progress = SILENT,
) -> LinearHead:
    """The head that fits the training part, as strong as the validation part likes it best.

    Args:
        start: Network whose features are taken.
        dataset: Images with their splits.
        class_names: In the order of the logits.
        config: Size, fit and balance.
        precision: "fp32" or "bf16", of the features.
        progress: Is told how it goes on.
    """
    lens = Lens.features(start, config.preprocess, precision)
    seen, unseen = dataset.part("train"), dataset.part("val")
    features = features_of(dataset.of((*seen.rows, *unseen.rows)), lens, progress)
    labels = dataset.of((*seen.rows, *unseen.rows)).label_indices(class_names)
    if unseen.rows:
        judge = (features[len(seen) :], labels[len(seen) :])
        labels = labels[: len(seen)]
        head = choose_head(features[: len(seen)], labels, len(class_names), config.balance, judge)
    else:
        folds = np.array(assign_folds(seen.rows, max(2, config.folds), config.seed))
        head = choose_head_by_folds(features, labels, folds, len(class_names), config.balance)
    progress.say(f"linear head on {start.origin}'s features: C {head.strength:g}")
    return head


def set_head(network: nn.Module, head: LinearHead) -> None:
    """Put a linear head's weights into a network."""
    layer = network.get_submodule(head_name(network))
    layer.load_state_dict(
        {"weight": torch.from_numpy(head.weight), "bias": torch.from_numpy(head.bias)}
    )


def only_head(
    trainer: L.Trainer, model: Classifier, data: ImagesInMemory, run: Run, head: LinearHead
) -> Epoch:
    """Keep the network with its linear head as the run's best, and tell how well it answers."""
    start_s = time.perf_counter()
    judges = len(data.val.labels) > 0
    figures = {}
    if judges:
        figures = trainer.validate(model, dataloaders=data.val_dataloader(), verbose=False)[0]
    else:
        trainer.strategy.connect(model)
    trainer.save_checkpoint(run.best_checkpoint)
    return Epoch(
        epoch=0,
        train_loss=round(head.train_log_loss, 6),
        val_log_loss=round(figures["val_log_loss"], 6) if judges else None,
        val_top1_accuracy=round(figures["val_top1_accuracy"], 6) if judges else None,
        learning_rate=0.0,
        epoch_s=round(time.perf_counter() - start_s, 2),
    )
