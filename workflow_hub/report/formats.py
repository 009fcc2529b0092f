"""The formats of a report, by the name that `--format` takes."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from workflow_hub.report import (
    as_github,
    as_gitlab,
    as_html,
    as_json,
    as_junit,
    as_markdown,
    as_rdjson,
    as_sarif,
    as_text,
)
from workflow_hub.report.document import Report

FORMATS: Mapping[str, Callable[[Report], str]] = {
    "text": as_text.write,
    "json": as_json.write,
    "sarif": as_sarif.write,
    "rdjson": as_rdjson.write,
    "github": as_github.write,
    "gitlab": as_gitlab.write,
    "junit": as_junit.write,
    "markdown": as_markdown.write,
    "html": as_html.write,
}
