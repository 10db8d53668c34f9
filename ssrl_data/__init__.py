"""Verifiable self-supervised problems from raw corpora, as Hugging Face datasets."""

from ssrl_data.core import Answer, Credit, Example, Fault, Mark, Record, Reject, Row, Skip, SsrlError, Task, Verdict

__all__ = [
    "Answer",
    "Credit",
    "Example",
    "Fault",
    "Mark",
    "Record",
    "Reject",
    "Row",
    "Skip",
    "SsrlError",
    "Task",
    "Verdict",
]
__version__ = "0.1.0"
