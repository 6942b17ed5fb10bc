"""What is read from the counts of when rollouts arrived: times of arrival, and the share come by a time."""

from perisai.kernels import inlined
from perisai.model import ARRIVED_STEP_S

BIN_S = 5.0
"""Width of the bins that arrival times are counted in; bin 0 holds those already inside."""


@inlined
def quantiles(counts, total, out):
    """Fill out (3,) with the times by which half, 5 % and 95 % of the counted arrivals came, s, linear in a bin."""
    out[0] = out[1] = out[2] = (counts.size - 1) * BIN_S
    have = float(counts[0])
    low, half, high = have >= 0.05 * total, have >= 0.5 * total, have >= 0.95 * total
    out[1] = 0.0 if low else out[1]
    out[0] = 0.0 if half else out[0]
    out[2] = 0.0 if high else out[2]
    for b in range(1, counts.size):
        if counts[b] == 0:
            continue
        then = have + counts[b]
        if not low and then >= 0.05 * total:
            low, out[1] = True, (b - 1 + (0.05 * total - have) / counts[b]) * BIN_S
        if not half and then >= 0.5 * total:
            half, out[0] = True, (b - 1 + (0.5 * total - have) / counts[b]) * BIN_S
        if not high and then >= 0.95 * total:
            out[2] = (b - 1 + (0.95 * total - have) / counts[b]) * BIN_S
            break
        have = then


@inlined
def arrived(counts, unit, out):
    """Fill out (k,) with `unit` times the arrivals by 0, 30, 60, ... s."""
    have = counts[0]
    done = 0
    for k in range(out.size):
        stop = min(int(k * ARRIVED_STEP_S / BIN_S), counts.size - 1)
        for b in range(done + 1, stop + 1):
            have += counts[b]
        done = stop
        out[k] = unit * have
