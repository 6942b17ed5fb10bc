"""The tables that pass between stages, on the bus and on disk.

Times are timestamp[us, UTC]; angles degrees; lengths metres; speeds m/s; positions WGS84 geodetic with
height above the ellipsoid. A null means unknown. Columns named in `REQUIRED` must be present in a file; any
other column of the schema that a file lacks is read as null, and columns the schema does not know are ignored.
"""

import pyarrow as pa

TIME = pa.timestamp("us", tz="UTC")

LEVELS = ("watch", "alarm")
STATUSES = ("tentative", "confirmed", "coasting", "ended")
THREATS = ("drone", "cruise", "ballistic", "glide_bomb", "aircraft", "other")
KINDS = ("drone", "cruise", "ballistic", "glide_bomb", "aircraft")


def _floats(*names: str) -> list[tuple[str, pa.DataType]]:
    return [(name, pa.float64()) for name in names]


DETECTIONS = pa.schema(
    [
        ("time", TIME),
        ("received", TIME),
        ("sensor", pa.string()),
        ("scan", pa.int64()),
        *_floats(
            "lat",
            "lon",
            "alt_m",
            "range_m",
            "azimuth_deg",
            "elevation_deg",
            "range_rate_mps",
            "sigma_m",
            "sigma_range_m",
            "sigma_azimuth_deg",
            "sigma_elevation_deg",
            "ve_mps",
            "vn_mps",
            "vu_mps",
        ),
        ("address", pa.string()),
        ("label", pa.string()),
        ("confidence", pa.float64()),
        # Beyond the contract; null for instruments.
        ("reporter", pa.string()),
    ]
)
"""One row a detection: a position (lat, lon), a polar plot (range_m, azimuth_deg), a bearing (azimuth_deg
alone) or a presence report (neither). Detections of one sensor and scan exclude one another. reporter: key of the
person's device, where many people share one sensor."""

TRACKS = pa.schema(
    [
        ("time", TIME),
        ("track", pa.int64()),
        *_floats("lat", "lon", "alt_m", "ve_mps", "vn_mps", "vu_mps", "p_ee", "p_en", "p_nn", "existence"),
        ("status", pa.string()),
        *_floats(*(f"p_{threat}" for threat in THREATS)),
        ("address", pa.string()),
        ("sensors", pa.list_(pa.string())),
        ("impact_lat", pa.float64()),
        ("impact_lon", pa.float64()),
        ("impact_time", TIME),
        # Beyond the contract; null where a source of tracks does not know them.
        *_floats("v_ee", "v_en", "v_nn", "impact_ee", "impact_en", "impact_nn", "impact_time_sigma_s"),
        ("flags", pa.list_(pa.string())),
        ("issued", TIME),
    ]
)
"""One row per track and update. p_ee, p_en, p_nn: position covariance east/north, m2; v_*: velocity covariance,
m2/s2; impact_*: covariance of the impact point, m2. flags: what does not fit, such as `identity_conflict`.
issued: end of the frame that gave the row, later than `time` by the latency of the sensors."""

PARTNERS = TRACKS.insert(0, pa.field("partner", pa.string())).append(pa.field("neutral", pa.bool_()))
"""Tracks as partners see them: of partner nations (`partner` says whose, `issued` when they came here), or of ours what
one of them is given. neutral: whoever gives the track holds it to be of neutral traffic."""

TRUTH = pa.schema(
    [
        ("time", TIME),
        ("object", pa.int64()),
        *_floats("lat", "lon", "alt_m", "ve_mps", "vn_mps"),
        ("kind", pa.string()),
        ("hostile", pa.bool_()),
        ("impact", pa.bool_()),
    ]
)
"""What really flew, known in simulation only. `impact` is true on the last row of an object that came down."""

FORECASTS = pa.schema(
    [
        ("time", TIME),
        ("track", pa.int64()),
        ("area", pa.string()),
        *_floats("probability", "eta_s", "eta_low_s", "eta_high_s"),
        ("threat", pa.string()),
        ("arrived", pa.list_(pa.float32())),
    ]
)
"""Probability (0..1) that the track comes within the danger radius of the area inside the horizon, and the
median, 5 % and 95 % times of arrival in seconds after `time`, given that it comes. arrived: the probability that it
has come by each of ARRIVED_S; may be null."""

ARRIVED_STEP_S = 30.0
ARRIVED_S = tuple(ARRIVED_STEP_S * k for k in range(21))
"""0 to 600 s after `time`."""

ALERTS = pa.schema(
    [
        ("identifier", pa.string()),
        ("area", pa.string()),
        ("level", pa.string()),
        ("threat", pa.string()),
        ("start", TIME),
        ("end", TIME),
        ("eta_s", pa.float64()),
        ("probability", pa.float64()),
        ("tracks", pa.list_(pa.int64())),
        ("reason", pa.string()),
    ]
)
"""One row per area and span of one level; `end` is null while the alert is active."""

SCHEMAS = {
    "detections": DETECTIONS,
    "tracks": TRACKS,
    "truth": TRUTH,
    "forecasts": FORECASTS,
    "alerts": ALERTS,
    "partners": PARTNERS,
}

REQUIRED = {
    "detections": ("time", "sensor"),
    "tracks": ("time", "track", "lat", "lon", "ve_mps", "vn_mps"),
    "partners": ("time", "track", "lat", "lon", "ve_mps", "vn_mps"),
    "truth": ("time", "object", "lat", "lon", "kind"),
    "forecasts": ("time", "track", "area", "probability"),
    "alerts": ("area", "level", "start"),
}

CHOICES = {"tracks": {"status": STATUSES}, "truth": {"kind": KINDS}, "alerts": {"level": LEVELS}}
"""Columns that hold one of a few words."""

LIMITS = {"lat": 90.0, "lon": 180.0, "ve_mps": float("inf"), "vn_mps": float("inf")}
"""What a required column of a place or velocity stays within, either way; never NaN nor infinite."""
