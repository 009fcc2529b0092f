"""Goose, the agent: work in a folder by a local model that reads, writes and runs what it may."""

from __future__ import annotations

from workflow_hub.providers.goose.drive import run
from workflow_hub.providers.goose.session import Ask, OnEvent
from workflow_hub.providers.goose.work import (
    AgentOutcome,
    AgentRequest,
    Answer,
    Approve,
    Event,
    Extension,
    Limits,
    Model,
    Refused,
    Rule,
    Sandbox,
    TextDelta,
    ThoughtDelta,
    ToolAsked,
    ToolDecided,
    ToolFinished,
    ToolRequest,
)

__all__ = [
    "AgentOutcome",
    "AgentRequest",
    "Answer",
    "Approve",
    "Ask",
    "Event",
    "Extension",
    "Limits",
    "Model",
    "OnEvent",
    "Refused",
    "Rule",
    "Sandbox",
    "TextDelta",
    "ThoughtDelta",
    "ToolAsked",
    "ToolDecided",
    "ToolFinished",
    "ToolRequest",
    "run",
]
