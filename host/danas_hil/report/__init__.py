"""Reports: self-contained HTML with SVG figures and tables; the numbers as JSON and CSV."""

from danas_hil.report.experiment_group import experiment_groups, experiment_json
from danas_hil.report.experiment_page import experiment_page, write_experiment_report
from danas_hil.report.measured import Measured, gather
from danas_hil.report.plan import (
    EstimatePanel,
    estimates_page,
    memory_plan_svg,
    write_estimates,
)
from danas_hil.report.run_report import report_page, write_report

__all__ = [
    "EstimatePanel",
    "Measured",
    "estimates_page",
    "experiment_groups",
    "experiment_json",
    "experiment_page",
    "gather",
    "memory_plan_svg",
    "report_page",
    "write_estimates",
    "write_experiment_report",
    "write_report",
]
