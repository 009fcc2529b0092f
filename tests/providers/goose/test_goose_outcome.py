"""Success and failure, told from endings that Goose 1.52.0 has really produced."""

from __future__ import annotations

from typing import Any

import pytest

from workflow_hub.errors import (
    ContextOverflow,
    HubError,
    ModelMissing,
    ReplyCut,
    ReplyInvalid,
    RequestRefused,
    RunnerUnreachable,
)
from workflow_hub.providers.goose.outcome import Ending, judge, read_ending

OWN = "msg_64163a79-45f8-44ca-bcf0-4ac148449899"
MODELS = "chatcmpl-b508fce894c04a45a19d08e90b2d45e4"
AT = "at http://127.0.0.1:12434/engines/v1/chat/completions"
AGAIN = "\n\nPlease retry if you think this is a transient or recoverable error."


@pytest.mark.parametrize(
    ("text", "error", "says"),
    [
        pytest.param(
            f"Ran into this error: Server error: Server error (500 Internal Server Error) {AT}: x.{AGAIN}",
            RequestRefused,
            f"the model's server failed: Server error (500 Internal Server Error) {AT}: x",
            id="500",
        ),
        pytest.param(
            f"Ran into this error: Request failed: Resource not found (404) {AT}: .{AGAIN}",
            ModelMissing,
            "the server has no ai/x; type `docker model pull ai/x`",
            id="404",
        ),
        pytest.param(
            "Network error: Could not connect to 127.0.0.1:19999 — check your network.\n\nPlease resend.",
            RunnerUnreachable,
            "nobody answers for ai/x; see `docker model status`",
            id="nobody listens",
        ),
        pytest.param(
            "Network error: Stream decode error: error decoding response body\n\nPlease resend your message.",
            ReplyCut,
            "the reply of ai/x broke off: Stream decode error: error decoding response body",
            id="the connection closed",
        ),
        pytest.param(
            f"Ran into this error: Server error: the engine crashed.{AGAIN}",
            RequestRefused,
            "the model's server failed: the engine crashed",
            id="an error in the stream",
        ),
        pytest.param(
            "Ran into this error trying to compact: Failed to compact: too long",
            ContextOverflow,
            "the work grew longer than the context of ai/x; ask for less at a time",
            id="context overflow",
        ),
        pytest.param(
            "I've reached the maximum number of actions I can do without user input.",
            ReplyCut,
            "Goose used up its 7 turns; ask for less at a time, or allow more",
            id="out of turns",
        ),
        pytest.param(
            "The model returned an empty response. Please resend your message to continue.",
            ReplyInvalid,
            "ai/x answered nothing, several times",
            id="nothing",
        ),
        pytest.param(
            "No prompts available.\n",
            ReplyInvalid,
            "Goose ended without an answer of ai/x: No prompts available",
            id="words that we do not know",
        ),
    ],
)
def test_what_goose_says_itself_is_a_failure(text: str, error: type[HubError], says: str) -> None:
    found = judge(Ending("end_turn", text, OWN, 110), "ai/x", 7, "half")
    assert type(found) is error
    assert str(found) == says
    assert found.partial == "half"


def test_the_status_is_kept() -> None:
    found = judge(Ending("end_turn", "Ran into this error: (503 Busy)", OWN, 0), "ai/x", 7)
    assert isinstance(found, RequestRefused)
    assert found.status == 503


@pytest.mark.parametrize(
    ("ending", "error"),
    [
        pytest.param(Ending("end_turn", "Done.", MODELS, 110), None, id="a model's answer"),
        pytest.param(
            Ending("end_turn", "Ran into this error: ha", MODELS, 110),
            None,
            id="a model that talks like Goose",
        ),
        pytest.param(Ending("end_turn", "Do", MODELS, 0), ReplyCut, id="an answer without its end"),
        pytest.param(Ending("end_turn", " ", MODELS, 110), ReplyInvalid, id="blank"),
        pytest.param(Ending("end_turn", "", "", 110), ReplyInvalid, id="no message"),
        pytest.param(Ending("max_turn_requests", "", "", 110), ReplyCut, id="turns"),
        pytest.param(Ending("max_tokens", "Do", MODELS, 110), ReplyCut, id="length"),
        pytest.param(Ending("cancelled", "Do", MODELS, 110), ReplyCut, id="cancelled"),
        pytest.param(Ending("refusal", "No", MODELS, 110), RequestRefused, id="refused"),
        pytest.param(Ending("", "Do", MODELS, 110), ReplyCut, id="no reason"),
    ],
)
def test_stop_reasons(ending: Ending, error: type[HubError] | None) -> None:
    found = judge(ending, "ai/x", 7)
    assert found is None if error is None else type(found) is error


@pytest.mark.parametrize(
    ("result", "stop", "tokens"),
    [
        pytest.param(
            {"stopReason": "end_turn", "usage": {"totalTokens": 110}}, "end_turn", 110, id="complete"
        ),
        pytest.param({"stopReason": "end_turn"}, "end_turn", 0, id="without tokens"),
        pytest.param({"usage": {"totalTokens": None}}, "", 0, id="null"),
        pytest.param({"usage": []}, "", 0, id="odd"),
    ],
)
def test_endings_are_read(result: dict[str, Any], stop: str, tokens: int) -> None:
    assert read_ending(result, "text", "id") == Ending(stop, "text", "id", tokens)
