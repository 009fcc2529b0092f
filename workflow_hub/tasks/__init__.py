"""What the hub can do: one room a task, each a frozen value made of plain functions."""

TASKS = ("docstrings",)
