"""Planning beside spopt and GDAL on the same instances; a staged plan of 26 contributors, and whether it holds."""

import resource
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from perisai.model import Areas
from perisai.planning import cover_all, from_mask, lowest_visible_m, one_pool, parse_inventory, predict, solve
from perisai.simulation import communities

from .. import package_data
from ..config import Config
from ..plan.make import Plan, make_plan
from ..plan.nights import approaches_from, live, night, placed_of
from ..plan.request import Request

EXAMPLE = package_data.DATA / "planning" / "example_inventory.toml"
SIZE, SMALLER = (5000, 2000, 100), (600, 250, 25)
RADIUS = 4.0
SEEDS = (5, 11, 12, 21)
"""Instances; `perisai.planning` was set on the first, and on 8 and 13."""
COVER_RADII = (2.0, 3.0, 4.0)
"""Set covering of 5,000 by 2,000: spopt with HiGHS ends at the first two, not at the third."""
OURS, THEIRS = 0.001, 0.01
"""Gaps asked for: theirs is the bar's; ours is narrower, so that the objective is the same or better."""
LIMIT_S = 60.0
"""Both may take so long."""
GDAL_DIAMETER_M = 2 * 6_378_137 / 0.75
"""GDAL bends a sphere of the equator's radius."""
NIGHT_SEEDS, NIGHT_HOURS = tuple(range(85001, 85011)), 1.0


def run(quick: bool = False) -> dict[str, Any]:
    """The bars of the planning issue. Quick: a small instance and no nights."""
    size, seeds = (SMALLER, SEEDS[:1]) if quick else (SIZE, SEEDS)
    scale = (SIZE[1] / size[1]) ** 0.5
    result: dict[str, Any] = {
        "mclp": [maximal_covering(size, RADIUS * scale, seed) for seed in seeds],
        "lscp": [set_covering(size, radius * scale, seed) for seed in seeds for radius in COVER_RADII],
        "viewshed": viewshed(),
    }
    if not quick:
        plan, figures = staged()
        result |= {"staged": figures, "promise": promise(plan)}
    result["peak_memory_gb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    return result


def _instance(size: tuple[int, int, int], seed: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    demand, sites = rng.random((size[0], 2)) * 100, rng.random((size[1], 2)) * 100
    return rng.integers(1, 100, size[0]), np.hypot(*(demand[:, None] - sites[None]).transpose(2, 0, 1))


def maximal_covering(size: tuple[int, int, int], radius: float, seed: int) -> dict[str, Any]:
    """MCLP: ours and spopt with HiGHS on one thread each; seconds to build the model and to solve it.

    How many times faster: until ours is proven within the same 1 % and worth as much as theirs; alone, and with what
    each takes to build its model from the matrix of distances.
    """
    import pulp
    from spopt.locate import MCLP

    weight, cost = _instance(size, seed)
    _warm(size[2])
    begun = time.perf_counter()
    problem = one_pool(weight, *from_mask(cost <= radius), size[2])
    built = time.perf_counter()
    told: list[tuple[float, float, float]] = []

    plan = solve(problem, OURS, LIMIT_S, progress=lambda *row: told.append(row))
    done = time.perf_counter()
    model: Any = MCLP.from_cost_matrix(cost, weight, radius, p_facilities=size[2])
    their_built = time.perf_counter()
    model.solve(pulp.HiGHS(msg=False, timeLimit=LIMIT_S, gapRel=THEIRS, threads=1), results=False)
    their_done = time.perf_counter()
    theirs = float(pulp.value(model.problem.objective))
    near = [at for at, value, bound in told if bound - value <= THEIRS * bound]
    as_good = [at for at, value, bound in told if bound - value <= THEIRS * bound and value >= theirs * (1 - 1e-9)]
    level = as_good[0] if as_good else None
    return {
        "seed": seed, "demand_sites_units": size, "radius": radius, "covered_pairs": len(problem.cover),
        "value": plan.value, "gap": plan.gap, "build_s": built - begun, "solve_s": done - built,
        "within_1_percent_s": near[0] if near else None, "as_good_as_spopt_s": as_good[0] if as_good else None,
        "spopt_value": theirs, "spopt_build_s": their_built - done, "spopt_solve_s": their_done - their_built,
        "times_faster": (their_done - done) / (level + built - begun) if level else None,
        "times_faster_solving": (their_done - their_built) / level if level else None,
        "times_faster_to_our_end": (their_done - done) / (done - begun), "value_over_spopt": plan.value / theirs,
    }  # fmt: skip


def set_covering(size: tuple[int, int, int], radius: float, seed: int) -> dict[str, Any]:
    """LSCP on the demand that can be reached: ours and spopt with HiGHS, one thread each and no gap asked for."""
    import pulp
    from spopt.locate import LSCP

    _, cost = _instance(size, seed)
    cost = cost[(cost <= radius).any(axis=1)]
    _warm_cover()
    begun = time.perf_counter()
    start, cover = from_mask(cost <= radius)
    built = time.perf_counter()
    own = cover_all(start, cover, len(cost), seconds=LIMIT_S)
    done = time.perf_counter()
    model: Any = LSCP.from_cost_matrix(cost, radius)
    their_built = time.perf_counter()
    model.solve(pulp.HiGHS(msg=False, timeLimit=LIMIT_S, threads=1), results=False)
    their_done = time.perf_counter()
    theirs = float(round(sum(v.varValue or 0.0 for v in model.fac_vars)))
    bound = float(model.problem.solverModel.getInfo().mip_dual_bound)
    return {
        "seed": seed, "demand_sites": cost.shape, "radius": radius, "sites_needed": own.cost, "bound": own.bound,
        "gap": own.gap, "build_s": built - begun, "solve_s": done - built, "spopt_sites": theirs, "spopt_bound": bound,
        "spopt_gap": max(0.0, theirs - bound) / theirs, "spopt_build_s": their_built - done,
        "spopt_solve_s": their_done - their_built, "times_faster": (their_done - done) / (done - begun),
        "times_faster_solving": (their_done - their_built) / (done - built),
    }  # fmt: skip


def _warm(units: int) -> None:
    """Compile outside the clock."""
    weight, cost = _instance((300, 120, units), 1)
    solve(one_pool(weight, *from_mask(cost <= 9.0), 5), 0.0, 5.0)


def _warm_cover() -> None:
    """Likewise; an instance of which the reductions leave something to search."""
    _, cost = _instance(SMALLER, 1)
    cover_all(*from_mask(cost <= RADIUS * (SIZE[1] / SMALLER[1]) ** 0.5), SMALLER[0], seconds=5.0)


def viewshed(size: int = 2224, cell_m: float = 90.0, height_m: float = 100.0) -> dict[str, Any]:
    """One radar, 100 km radius, 90 m cells: ours beside gdal_viewshed on the same raster, when GDAL is installed."""
    import rasterio
    from rasterio.transform import from_origin

    rng = np.random.default_rng(7)
    ground = np.zeros((size, size), np.float32)
    for octave in range(2, 9):
        coarse = rng.normal(0.0, 400.0 / octave**1.5, (2**octave, 2**octave))
        at = np.linspace(0, 2**octave - 1.001, size)
        i, part = at.astype(int), at - at.astype(int)
        i2 = np.minimum(i + 1, 2**octave - 1)
        rows = coarse[i] * (1 - part)[:, None] + coarse[i2] * part[:, None]
        ground += (rows[:, i] * (1 - part) + rows[:, i2] * part).astype(np.float32)
    ground -= ground.min()
    middle = size // 2
    spent: list[float] = []
    lowest = ground
    for _ in range(4):
        begun = time.perf_counter()
        lowest = lowest_visible_m(ground, middle, middle, 30.0, (cell_m, cell_m), 100e3, GDAL_DIAMETER_M)
        spent.append(time.perf_counter() - begun)
    result: dict[str, Any] = {"cells": size * size, "seconds": min(spent[1:])}
    with tempfile.TemporaryDirectory() as folder:
        raster, out = Path(folder) / "ground.tif", Path(folder) / "seen.tif"
        with rasterio.open(
            raster, "w", driver="GTiff", height=size, width=size, count=1, dtype="float32", crs="EPSG:32636",
            transform=from_origin(300_000, 5_600_000, cell_m, cell_m),
        ) as file:  # fmt: skip
            file.write(ground, 1)
        place = "-ox", str(300_000 + (middle + 0.5) * cell_m), "-oy", str(5_600_000 - (middle + 0.5) * cell_m)
        command = ["gdal_viewshed", "-q", *place, "-oz", "30", "-tz", str(height_m), "-md", "100000", "-cc", "0.75"]
        try:
            theirs = []
            for _ in range(3):
                begun = time.perf_counter()
                subprocess.run([*command, str(raster), str(out)], check=True, capture_output=True)
                theirs.append(time.perf_counter() - begun)
        except FileNotFoundError:
            return result | {"gdal_viewshed": "not installed (Debian: gdal-bin)"}
        with rasterio.open(out) as file:
            seen = file.read(1)
            west, top = file.transform.c, file.transform.f
    row0, col0 = round((5_600_000 - top) / cell_m), round((west - 300_000) / cell_m)
    own = lowest[row0 : row0 + seen.shape[0], col0 : col0 + seen.shape[1]]
    inside = np.isfinite(own)
    same = float(((own <= height_m) == (seen > 0))[inside].mean())
    return result | {"gdal_s": min(theirs), "times_faster": min(theirs) / min(spent[1:]), "cells_alike": same}


def staged(areas: Areas | None = None) -> tuple[Plan, dict[str, Any]]:
    """The example's 26 contributors over the whole country, staged by readiness."""
    ground = communities() if areas is None else areas
    offers = parse_inventory(EXAMPLE.read_text("utf-8"), EXAMPLE.name)
    begun, busy = time.perf_counter(), time.process_time()
    plan = make_plan(Request(areas=ground, inventory=offers))
    choice = plan.placement.choice if plan.placement else None
    return plan, {
        "contributors": len({given.country for given in offers.contributions}), "stages": len(offers.stages()),
        "units": len(plan.units), "spare": plan.spare, "areas": len(ground), "gap": choice.gap if choice else None,
        "seconds": time.perf_counter() - begun, "cpu_s": time.process_time() - busy, "in_time": plan.after.share,
    }  # fmt: skip


def promise(plan: Plan, seeds: tuple[int, ...] = NIGHT_SEEDS, hours: float = NIGHT_HOURS) -> dict[str, Any]:
    """The share that the plan foretells beside what the real chain achieves on nights that nothing was set on.

    foretold: of the plan's mean whole night; of_these: by the same formula of the very hours that are run.
    error, error_of_these: standard errors of the two differences in points, the nights taken as drawn at random.
    """
    areas = plan.request.areas
    placed = placed_of(plan.sensors)
    nightly: list[dict[str, Any]] = []
    for seed in seeds:
        truth = night(seed, areas, hours)
        told = predict(approaches_from(truth, areas), placed, len(areas))
        row = live(plan.sensors, truth, areas, seed, Config())
        nightly.append(
            {
                "seed": seed, "approached": row.approached, "foretold": told.share, "in_time": row.share,
                "foretold_by_kind": told.by_kind, "by_kind": row.by_kind,
            }
        )  # fmt: skip
    people = np.array([row["approached"] for row in nightly])
    shares = {name: np.array([row[name] for row in nightly]) for name in ("foretold", "in_time")}
    lived, of_these = (float(np.average(shares[name], weights=people)) for name in ("in_time", "foretold"))
    return {
        "foretold": plan.alarmed[1], "of_these": of_these, "lived": lived,
        "points_off": 100 * (plan.alarmed[1] - lived), "points_off_of_these": 100 * (of_these - lived),
        "error": 100 * _ratio_error(shares["in_time"], people),
        "error_of_these": 100 * _ratio_error(shares["in_time"] - shares["foretold"], people), "nights": nightly,
    }  # fmt: skip


def _ratio_error(share: np.ndarray, weight: np.ndarray) -> float:
    """Standard error of a weighted mean of independent nights (ratio estimator; Cochran 1977, section 6.3)."""
    n = len(share)
    off = weight * (share - np.average(share, weights=weight)) / weight.mean()
    return float(np.sqrt((off**2).sum() / (n * (n - 1))))
