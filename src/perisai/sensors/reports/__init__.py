"""Reports of acoustic nodes and of citizens: something heard or seen, from here, in that direction."""

from .report import SCHEMA, Report, ReportPlace, parse_reports
from .stream import ReportStream, import_report_lines, looks_like_report

__all__ = [
    "SCHEMA",
    "Report",
    "ReportPlace",
    "ReportStream",
    "import_report_lines",
    "looks_like_report",
    "parse_reports",
]
