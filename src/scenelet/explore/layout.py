"""Lay pictures out by likeness: a flat map of embeddings, and a grid of like neighbours."""

from collections.abc import Callable, Sequence

import numpy as np
from PIL import Image, ImageOps

from scenelet.images import decode
from scenelet.parallel import in_parallel

MAP_POINTS = 3000
GRID_COLUMNS, GRID_ROWS, CELL_PX = 30, 18, 96
PAGE = np.array([1000, 620])  # of a map


def flat_map(embeddings: np.ndarray, seed: int = 0) -> np.ndarray:
    """(n, features) to (n, 2) by t-SNE after PCA; near points had near embeddings.

    Source: van der Maaten and Hinton 2008, by scikit-learn.
    """
    from sklearn.decomposition import PCA
    from sklearn.manifold import TSNE

    reduced = PCA(min(30, *embeddings.shape), random_state=seed).fit_transform(embeddings)
    perplexity = min(30.0, (len(embeddings) - 1) / 3)
    return np.asarray(
        TSNE(2, perplexity=perplexity, init="pca", random_state=seed).fit_transform(reduced)
    )


def unit_length(features: np.ndarray) -> np.ndarray:
    """(n, features), each row of length 1: the products of rows are likenesses."""
    lengths = np.linalg.norm(features, axis=1, keepdims=True)
    return np.asarray(features / np.maximum(lengths, 1e-9))


def on_page(points: np.ndarray) -> np.ndarray:
    """(n, 2) points moved and scaled onto a map of `PAGE`, with a margin."""
    low, high = points.min(0), points.max(0)
    return np.asarray(12 + (points - low) / np.maximum(high - low, 1e-9) * (PAGE - 24)).round(1)


def on_grid(points: np.ndarray, columns: int, rows: int) -> np.ndarray:
    """Give each of columns * rows points a cell of its own, moved as little as possible.

    Args:
        points: (columns * rows, 2).
        columns: Of the grid.
        rows: Of the grid.

    Returns:
        (columns * rows,) number of the cell of each point, row by row from the top left.

    Source: linear sum assignment on squared distances, by SciPy.
    """
    from scipy.optimize import linear_sum_assignment

    low, high = points.min(0), points.max(0)
    scaled = (points - low) / np.maximum(high - low, 1e-9)
    x, y = np.meshgrid((np.arange(columns) + 0.5) / columns, (np.arange(rows) + 0.5) / rows)
    cells = np.stack([x.ravel(), y.ravel()], 1)
    distances = ((scaled[:, None] - cells[None]) ** 2).sum(2)
    return np.asarray(linear_sum_assignment(distances)[1])


def picture_grid(
    pictures: Sequence[Callable[[], bytes]], cells: np.ndarray, columns: int, rows: int
) -> Image.Image:
    """One picture of all pictures, the middle of each in its cell."""

    def small(read: Callable[[], bytes]) -> Image.Image:
        picture = decode(read(), enough=(2 * CELL_PX, 2 * CELL_PX))
        return ImageOps.fit(picture, (CELL_PX, CELL_PX), Image.Resampling.LANCZOS)

    sheet = Image.new("RGB", (columns * CELL_PX, rows * CELL_PX), "white")
    for cell, picture in zip(cells, in_parallel(small, pictures), strict=True):
        sheet.paste(picture, (int(cell) % columns * CELL_PX, int(cell) // columns * CELL_PX))
    return sheet


def grid_size(count: int) -> tuple[int, int]:
    """Columns and rows of a grid for at most `count` pictures."""
    if count >= GRID_COLUMNS * GRID_ROWS:
        return GRID_COLUMNS, GRID_ROWS
    columns = max(1, int(np.sqrt(count * GRID_COLUMNS / GRID_ROWS)))
    return columns, max(1, count // columns)
