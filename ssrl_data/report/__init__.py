"""The report: a dataset as a person sees it, one page."""

from ssrl_data.report.page import write_report

__all__ = ["write_report"]
