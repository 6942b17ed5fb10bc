"""Line of sight over terrain: the least height above ground that a site sees in every cell, in one pass."""

import numpy as np

from perisai.geodesy import kernel

from .horizon import EFFECTIVE_DIAMETER_M

UNSEEN = np.float32(np.nan)


@kernel
def _row(ground, row, col, reach, dx2, dy2_j, bend, eye, j, before, sign_col, out):
    """One half row, from the observer's column outwards; `before` holds the row next nearer and becomes this one.

    Heights are relative to the eye and lowered by the Earth's bend. `before[i]` is the height that hides: the terrain
    or the sight line over what lies in front, whichever is higher.
    """
    inner = 0.0
    diagonal = before[0]
    for i in range(reach + 1):
        height = ground[row, col + sign_col * i] - eye
        height -= bend * (dx2 * i * i + dy2_j)
        # Wang, Robinson & White 2000: the plane through the eye and the two nearer neighbours, taken at this cell.
        upper = before[i]
        if i + j <= 1 or (i == 1 and j == 1):
            need = -np.inf
        elif i == 0:
            need = upper * j / (j - 1)
        elif j == 0:
            need = inner * i / (i - 1)
        elif i == j:
            need = diagonal * i / (i - 1)
        elif i < j:
            need = (i * diagonal + (j - i) * upper) / (j - 1)
        else:
            need = (j * diagonal + (i - j) * inner) / (i - 1)
        diagonal = upper
        if need > height:
            out[row, col + sign_col * i] = need - height
            inner = need
        else:
            out[row, col + sign_col * i] = 0.0
            inner = height
        before[i] = inner


@kernel
def _viewshed(ground, row, col, eye, dx, dy, bend, radius, out):
    rows, cols = ground.shape
    for sign_row in (-1, 1):
        left = np.empty(cols)
        right = np.empty(cols)
        last = row if sign_row < 0 else rows - 1 - row
        for j in range(last + 1):
            dy2_j = dy * dy * j * j
            rest = radius * radius - dy2_j
            if rest < 0.0:
                break
            reach = int(np.sqrt(rest) / dx)
            # The line of the observer is made anew for each direction: the rows above and below start from it.
            # Each row reaches no farther than the one before, so `before` is always filled as far as it is read.
            r = row + sign_row * j
            _row(ground, r, col, min(reach, col), dx * dx, dy2_j, bend, eye, j, left, -1, out)
            _row(ground, r, col, min(reach, cols - 1 - col), dx * dx, dy2_j, bend, eye, j, right, 1, out)


def lowest_visible_m(
    ground_m: np.ndarray,
    row: int,
    col: int,
    antenna_m: float,
    cell_m: tuple[float, float],
    radius_m: float,
    diameter_m: float = EFFECTIVE_DIAMETER_M,
) -> np.ndarray:
    """Least height above ground, m, at which a target is seen from a site; 0: the ground, NaN: too far.

    ground_m: float32 (rows, cols), heights above sea level on a metric grid, rows from north to south. row, col: the
    site's cell; antenna_m above its ground. cell_m: width and height of a cell, m. diameter_m: of the effective Earth
    (4/3 of the real one; infinity for a flat one). Returns float32 of the shape of ground_m.
    Raises ValueError when the site is off the grid. Wang, Robinson & White, "Generating viewsheds without using
    sightlines", Photogrammetric Engineering & Remote Sensing 66, 2000: each cell once, O(cells).
    """
    rows, cols = ground_m.shape
    if not (0 <= row < rows and 0 <= col < cols):
        raise ValueError(f"site at cell ({row}, {col}) of a grid of {rows} x {cols}")
    ground = np.ascontiguousarray(ground_m, dtype=np.float32)
    out = np.full(ground.shape, UNSEEN, dtype=np.float32)
    eye = float(ground[row, col]) + antenna_m
    _viewshed(ground, row, col, eye, cell_m[0], cell_m[1], 1.0 / diameter_m, radius_m, out)
    return out
