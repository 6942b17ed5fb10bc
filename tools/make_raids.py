"""Makes src/perisai/data/raids/nights.csv from the published record of attacks.

    python tools/make_raids.py ../shared/data/raids src/perisai/data/raids/nights.csv

One row a night (the date on which the attack's report ends), type, set of launch areas and span of time. Times of the
record are Kyiv time and become UTC. Rows that give dates without hours are taken as the night from 20:00 to 06:00.
"""

import csv
import sys
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

KYIV = ZoneInfo("Europe/Kyiv")
# The record's categories, set right: Zircon and Kinzhal fly as ballistic missiles do for those who must be warned, and
# surface-to-air missiles used against the ground too.
BALLISTIC = {"3M22 Zircon", "X-47 Kinzhal and Iskander-M/KN-23"}
UNLISTED = {
    "Iskander-M and Iskander-K": ("ballistic", "cruise"),
    "Iskander-M/KN-23 and Iskander-K and Kalibr": ("ballistic", "cruise", "cruise"),
    "Iskander-M/KN-23 and Iskander-K and X-59/X-69": ("ballistic", "cruise", "cruise"),
    "X-101/X-555 and Kalibr and Iskander-M/KN-23": ("cruise", "cruise", "ballistic"),
    "Aerial Bomb": ("glide_bomb",),
    "Фенікс": ("recon",),
    "Картограф": ("recon",),
    "Привет-82": ("drone",),
}
CATEGORIES = {
    "cruise missile": "cruise",
    "ballistic missile": "ballistic",
    "surface-to-air and ballistic": "ballistic",
    "surface-to-air missile": "ballistic",
    "guided bomb": "glide_bomb",
}


def types_of(model: str, models: dict[str, dict[str, str]]) -> tuple[str, ...]:
    """The types a model's launches are shared among, one a weapon it names when they differ."""
    if model in BALLISTIC:
        return ("ballistic",)
    if model in UNLISTED:
        return UNLISTED[model]
    row = models[model]
    if row["category"] == "UAV":
        watching = "reconnaissance" in row["type"] or "ISTAR" in row["type"]
        return ("recon",) if watching else ("drone",)
    return (CATEGORIES[row["category"]],)


def instant(text: str, hour: int, day_before: bool = False) -> str:
    """The record's Kyiv time (or date and an assumed hour) as UTC to the minute."""
    text = text.strip()
    if len(text) > 10:
        local = datetime.strptime(text, "%Y-%m-%d %H:%M").replace(tzinfo=KYIV)
    else:
        local = datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=KYIV, hour=hour) - timedelta(days=day_before)
    return local.astimezone(UTC).strftime("%Y-%m-%dT%H:%MZ")


def shared(total: int, parts: int) -> list[int]:
    """The total in nearly equal whole parts; the first take what is left over."""
    return [total // parts + (i < total % parts) for i in range(parts)]


def main(record: Path, out: Path) -> None:
    """Reads the two files of the record and writes the table."""
    with (record / "missiles_and_uavs.csv").open(encoding="utf-8", newline="") as file:
        models = {row["model"]: row for row in csv.DictReader(file)}
    launched: Counter[tuple[str, ...]] = Counter()
    stopped: Counter[tuple[str, ...]] = Counter()
    with (record / "missile_attacks_daily.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            if not row["launched"]:
                continue
            total = round(float(row["launched"]))
            down = min(total, round(float(row["destroyed"] or 0) + float(row["not_reach_goal"] or 0)))
            night = row["time_end"][:10]
            start = instant(row["time_start"], 20, day_before=row["time_start"].strip() == row["time_end"].strip())
            end = instant(row["time_end"], 6)
            if end <= start:
                start = instant(night, 20, day_before=True)
            places = row["launch_place"].replace("and and", "and").split(" and ")
            areas = ";".join(part.strip().replace(" Oblast", " oblast") for part in places if part.strip())
            kinds = types_of(row["model"], models)
            for kind, n, lost in zip(kinds, shared(total, len(kinds)), shared(down, len(kinds)), strict=True):
                key = (night, kind, areas, start, end)
                launched[key] += n
                stopped[key] += lost
    with out.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["night", "type", "areas", "start", "end", "launched", "stopped"])
        for key in sorted(key for key, n in launched.items() if n):
            writer.writerow([*key, launched[key], min(launched[key], stopped[key])])


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
