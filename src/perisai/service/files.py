"""Reading the small files a person writes or brings; every fault is one clear line."""

from pathlib import Path

from perisai.model import Areas, BadInputError, Sensor, parse_areas, parse_sensors


def read_text(path: Path | str, what: str) -> str:
    """The text of a file. Raises BadInputError when it is missing or not UTF-8."""
    try:
        return Path(path).read_text(encoding="utf-8-sig")  # with a byte order mark or without
    except FileNotFoundError as error:
        raise BadInputError(str(path), "no such file", what) from error
    except (OSError, UnicodeDecodeError) as error:
        raise BadInputError(str(path), f"cannot be read ({error})", what) from error


def read_areas(path: Path | str) -> Areas:
    """Areas from a GeoJSON file."""
    return parse_areas(read_text(path, "a GeoJSON file of areas"), str(path))


def read_sensors(path: Path | str) -> list[Sensor]:
    """Sensors from a TOML file."""
    return parse_sensors(read_text(path, "a TOML file of sensors"), str(path))
