import io

import numpy as np
from PIL import Image

from scenelet.explore.layout import (
    CELL_PX,
    GRID_COLUMNS,
    GRID_ROWS,
    grid_size,
    on_grid,
    picture_grid,
)


def test_points_on_a_grid_already_keep_their_places():
    x, y = np.meshgrid(np.arange(4), np.arange(3))
    points = np.stack([x.ravel(), y.ravel()], 1).astype(float)
    assert on_grid(points, 4, 3).tolist() == list(range(12))


def test_every_cell_is_given_once():
    cells = on_grid(np.random.default_rng(0).normal(size=(30, 2)), 6, 5)
    assert sorted(cells) == list(range(30))


def test_a_grid_never_has_more_cells_than_there_are_pictures():
    for count in (1, 2, 3, 10, 59, 500, GRID_COLUMNS * GRID_ROWS, 5000):
        columns, rows = grid_size(count)
        assert 1 <= columns * rows <= min(count, GRID_COLUMNS * GRID_ROWS)


def test_each_picture_is_drawn_in_its_cell():
    def solid(colour):
        buffer = io.BytesIO()
        Image.new("RGB", (9, 9), colour).save(buffer, "PNG")
        return buffer.getvalue

    sheet = picture_grid([solid("red"), solid("lime")], np.array([1, 0]), 2, 1)
    assert sheet.size == (2 * CELL_PX, CELL_PX)
    assert sheet.getpixel((CELL_PX // 2, CELL_PX // 2)) == (0, 255, 0)
    assert sheet.getpixel((CELL_PX + CELL_PX // 2, CELL_PX // 2)) == (255, 0, 0)
