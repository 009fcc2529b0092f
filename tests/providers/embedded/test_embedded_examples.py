"""Drafts of examples from the real llama.cpp: a model of noise, too, can only fill in the form."""

from __future__ import annotations

import json
import re
from contextlib import closing
from pathlib import Path

import httpx
import pytest

from workflow_hub.providers.embedded.engine import EngineSettings, launch
from workflow_hub.schema import record, response_format
from workflow_hub.tasks.docstrings.examples import draft_schema
from workflow_hub.tasks.docstrings.find import snippet

CODES = [
    pytest.param(
        "def slug(title, *, apart='-'):\n    return apart.join(title.split())\n", r"slug\(.*\)", id="a call"
    ),
    pytest.param("def now():\n    return 1\n", r"now\(\)", id="without arguments"),
    pytest.param("def rows(count):\n    yield count\n", r"list\(rows\(.*\)\)", id="a generator"),
]


@pytest.mark.parametrize(("code", "form"), CODES)
def test_a_model_can_only_fill_in_the_form(endless: Path, code: str, form: str) -> None:
    target = snippet(code, example=True)
    schema = draft_schema(target.symbol, target.facts)
    body = {
        "messages": [{"role": "user", "content": code}],
        "max_tokens": 2000,
        "response_format": response_format(record({"example": schema})),
        "seed": 7,
    }
    with closing(launch(endless, EngineSettings(slots=1, context_tokens=8192))) as engine:
        answer = httpx.post(
            f"{engine.url}/v1/chat/completions",
            json=body,
            headers={"Authorization": f"Bearer {engine.key}"},
            timeout=60,
            trust_env=False,
        ).json()
    draft = json.loads(answer["choices"][0]["message"]["content"])["example"]
    assert draft is None or (re.search(schema["pattern"], draft) and re.fullmatch(form, draft))
