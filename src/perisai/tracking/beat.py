"""One beat: all detections of a stretch of time against the tracks, group by group."""

from perisai.kernels import kernel

from .bank import SCAN_BEGAN, SCAN_ID, SCAN_LAST, SCAN_OPEN, USED
from .grid import rebuild
from .lifecycle import close_scan
from .merge import join_soft
from .scan import process


@kernel
def process_beat(bank, grid, detections, lo, hi, until, scans, places, plane, steps, numbers, work, stamp):
    """Process detections [lo, hi) group by group in time order, closing scans as their sensors begin new ones."""
    rebuild(bank, grid, bank.counters[USED], until)
    a = lo
    while a < hi:
        b = a + 1
        while b < hi and not detections.head[b]:
            b += 1
        s = detections.sensor[a]
        scan = detections.scan[a]
        # A late piece of a scan before this one (its times are older) changes nothing in the bookkeeping.
        if scan >= 0 and (scans[s, SCAN_ID] == scan or detections.t[a] > scans[s, SCAN_LAST]):
            if scans[s, SCAN_ID] != scan:
                if scans[s, SCAN_OPEN] > 0.0:
                    close_scan(bank, bank.counters[USED], s, scans[s, SCAN_BEGAN], scans[s, SCAN_LAST], places)
                scans[s, SCAN_ID] = scan
                scans[s, SCAN_BEGAN] = detections.t[a]
                scans[s, SCAN_LAST] = detections.t[a]
                scans[s, SCAN_OPEN] = 1.0
            scans[s, SCAN_LAST] = max(scans[s, SCAN_LAST], detections.t[b - 1])
        stamp[0] += 1
        process(bank, grid, detections, a, b, stamp[0], until, places, plane, steps, numbers, work)
        a = b
    join_soft(bank, grid, bank.counters[USED], work.found, work.gain)
    for s in range(scans.shape[0]):
        if scans[s, SCAN_OPEN] > 0.0:
            instant = scans[s, SCAN_LAST] == scans[s, SCAN_BEGAN] and places.period_s[s] >= 1.0
            if instant or until - scans[s, SCAN_BEGAN] > 1.5 * places.period_s[s] + 1.0:
                close_scan(bank, bank.counters[USED], s, scans[s, SCAN_BEGAN], scans[s, SCAN_LAST], places)
                scans[s, SCAN_OPEN] = 0.0
