"""A study's results as plots: an interactive page that needs no network, and SVG files for documents."""
from quarl.build_flows.study.report.page import write_report

__all__ = ["write_report"]
