"""The models in memory, from recorded answers of `ps` and from what no server should send."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

import pytest
from dmr_help import recorded
from hypothesis import given
from hypothesis import strategies as st

from workflow_hub.errors import ReplyInvalid
from workflow_hub.providers.dmr.runners import Runner, read_runners, unloading

ANSWERS = [
    pytest.param("engines_ps", [Runner("ai/qwen2.5-coder:0.5b", "completion")], id="idle"),
    pytest.param("ps_in_use", [Runner("ai/qwen2.5-coder:0.5b", "completion", busy=True)], id="in use"),
    pytest.param(
        "ps_two_modes",
        [Runner("ai/qwen2.5-coder:0.5b", "completion"), Runner("ai/qwen2.5-coder:0.5b", "embedding")],
        id="two modes of one model",
    ),
]


@pytest.mark.parametrize(("name", "runners"), ANSWERS)
def test_recorded_answers(name: str, runners: list[Runner]) -> None:
    assert read_runners(recorded(name)[1].content) == runners


def test_a_model_that_is_loading_is_busy() -> None:
    data = b'[{"model_name":"ai/x","mode":"completion","loading":true}, {"model_name":"ai/y"}]'
    assert read_runners(data) == [Runner("ai/x", "completion", busy=True), Runner("ai/y")]


@pytest.mark.parametrize("data", [b"", b"ok", b"{}", b"[1]", b'[{"model_name":1}]', b"[" * 100_000])
def test_what_is_no_list_is_refused(data: bytes) -> None:
    with pytest.raises(ReplyInvalid, match="no list of loaded models"):
        read_runners(data)


@given(st.binary() | st.recursive(st.none() | st.text(), st.lists).map(lambda it: json.dumps(it).encode()))
def test_any_bytes_are_read_or_refused_as_ours(data: bytes) -> None:
    with suppress(ReplyInvalid):
        assert isinstance(read_runners(data), list)


def test_unloading_names_models_and_no_backend_which_would_drop_their_settings() -> None:
    call = unloading(["ai/x", "ai/y"])
    body: Any = json.loads(call.body or b"")
    assert (call.path, body) == ("/engines/unload", {"models": ["ai/x", "ai/y"]})
