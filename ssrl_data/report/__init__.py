"""The report: a dataset as a person sees it, one page."""
