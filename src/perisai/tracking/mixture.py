"""Mean and covariance of the mixture of a track's models."""

from perisai.kernels import inlined, loop

from .settings import STATES


@loop
def moments(x, p, mu, i, coupled, mean, cov):
    """Mean (6,) and covariance (6, 6) of the mixture of track i."""
    m0, m1, m2 = mu[i, 0], mu[i, 1], mu[i, 2]
    for a in range(STATES):
        mean[a] = m0 * x[i, 0, a] + m1 * x[i, 1, a] + m2 * x[i, 2, a]
    for a in range(STATES):
        for b in range(a, STATES):
            if not coupled and (a % 3 == 2) != (b % 3 == 2):
                cov[a, b] = 0.0
                cov[b, a] = 0.0
                continue
            s = (
                m0 * (p[i, 0, a, b] + (x[i, 0, a] - mean[a]) * (x[i, 0, b] - mean[b]))
                + m1 * (p[i, 1, a, b] + (x[i, 1, a] - mean[a]) * (x[i, 1, b] - mean[b]))
                + m2 * (p[i, 2, a, b] + (x[i, 2, a] - mean[a]) * (x[i, 2, b] - mean[b]))
            )
            cov[a, b] = s
            cov[b, a] = s


@inlined
def _mixture(x, p, i, a, b, m0, m1, m2, mean_a, mean_b):
    """Element a, b of the covariance of the mixture of track i."""
    return (
        m0 * (p[i, 0, a, b] + (x[i, 0, a] - mean_a) * (x[i, 0, b] - mean_b))
        + m1 * (p[i, 1, a, b] + (x[i, 1, a] - mean_a) * (x[i, 1, b] - mean_b))
        + m2 * (p[i, 2, a, b] + (x[i, 2, a] - mean_a) * (x[i, 2, b] - mean_b))
    )


@loop
def summary(x, p, mu, i, mean, cov):
    """What a row shows of the mixture of track i: its mean (6,) and, of cov (6, 6), the upper 2 x 2 of place and of
    velocity and the variances of height and climb; the rest is left alone."""
    m0, m1, m2 = mu[i, 0], mu[i, 1], mu[i, 2]
    for a in range(STATES):
        mean[a] = m0 * x[i, 0, a] + m1 * x[i, 1, a] + m2 * x[i, 2, a]
    for a in (0, 3):
        cov[a, a] = _mixture(x, p, i, a, a, m0, m1, m2, mean[a], mean[a])
        cov[a, a + 1] = _mixture(x, p, i, a, a + 1, m0, m1, m2, mean[a], mean[a + 1])
        cov[a + 1, a + 1] = _mixture(x, p, i, a + 1, a + 1, m0, m1, m2, mean[a + 1], mean[a + 1])
    cov[2, 2] = _mixture(x, p, i, 2, 2, m0, m1, m2, mean[2], mean[2])
    cov[5, 5] = _mixture(x, p, i, 5, 5, m0, m1, m2, mean[5], mean[5])
