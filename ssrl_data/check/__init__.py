"""The check: everything a row must survive to be published, recomputed from the files alone, and from the corpus."""

from ssrl_data.check.report import CheckReport, render_text
from ssrl_data.check.run import check_dataset

__all__ = ["CheckReport", "check_dataset", "render_text"]
