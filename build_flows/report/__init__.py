"""The report: everything that a run folder shows, on one page that needs no network."""
from quarl.build_flows.report.page import write_report

__all__ = ["write_report"]
