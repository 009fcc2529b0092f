"""Docstrings for the functions, classes and modules that lack them."""

from workflow_hub.tasks.docstrings.apply import Applied, Applier, Written
from workflow_hub.tasks.docstrings.audit import Judged, audit
from workflow_hub.tasks.docstrings.find import files, shown, snippet, style_of, targets
from workflow_hub.tasks.docstrings.parts import Style
from workflow_hub.tasks.docstrings.task import Docstring, Look, Target, task

__all__ = [
    "Applied",
    "Applier",
    "Docstring",
    "Judged",
    "Look",
    "Style",
    "Target",
    "Written",
    "audit",
    "files",
    "shown",
    "snippet",
    "style_of",
    "targets",
    "task",
]
