"""Reports: self-contained HTML with SVG figures and tables; the numbers as JSON and CSV."""

from danas_hil.report.plan import (
    EstimatePanel,
    estimates_page,
    memory_plan_svg,
    write_estimates,
)
from danas_hil.report.rows import Compared
from danas_hil.report.run_report import report_page, write_report

__all__ = [
    "Compared",
    "EstimatePanel",
    "estimates_page",
    "memory_plan_svg",
    "report_page",
    "write_estimates",
    "write_report",
]
