"""Any prompt: what comes with it, what it needs, who looks at its pictures, and the answer."""

from workflow_hub.tasks.ask.answer import TASK, answer
from workflow_hub.tasks.ask.describe import TASK as DESCRIBE
from workflow_hub.tasks.ask.describe import described
from workflow_hub.tasks.ask.doubt import decided, signals_of
from workflow_hub.tasks.ask.given import Asked, Given, picture_in, text_in

__all__ = [
    "DESCRIBE",
    "TASK",
    "Asked",
    "Given",
    "answer",
    "decided",
    "described",
    "picture_in",
    "signals_of",
    "text_in",
]
