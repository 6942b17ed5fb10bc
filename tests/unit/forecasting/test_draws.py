"""The draws that all rollouts share, held against scipy's."""

import numpy as np
import pytest
from scipy.special import ndtri
from scipy.stats import qmc

from perisai.forecasting.draws import draw
from perisai.forecasting.sobol import sobol


@pytest.mark.oracle
@pytest.mark.parametrize("seed", [1, 20250907])
def test_the_points_are_those_of_scipy_bit_for_bit(seed):
    theirs = qmc.Sobol(9, scramble=True, rng=np.random.default_rng(seed)).random(2048)
    assert np.array_equal(sobol(2048, np.random.default_rng(seed).spawn(1)[0]), theirs)


@pytest.mark.oracle
def test_errors_of_position_are_normal():
    spread = qmc.Sobol(9, scramble=True, rng=np.random.default_rng(20250907)).random(512)
    np.testing.assert_allclose(draw(500).normal, ndtri(spread[:500, :4]), atol=1e-14)
