from __future__ import annotations

import socket
from collections.abc import Callable

import anyio
import pytest
from dmr_help import Raw, refused_port
from doubles import dmr as double
from doubles.dmr import DmrDouble

from workflow_hub.errors import RunnerUnreachable
from workflow_hub.providers.dmr.address import Address, candidates, split
from workflow_hub.providers.dmr.discovery import locate


def find(*addresses: Address, timeout: float = 3.0) -> Address:
    async def main() -> Address:
        return await locate(addresses, timeout=timeout)

    return anyio.run(main)


def test_the_first_that_answers_is_taken_and_later_ones_are_not_asked(nobody: str) -> None:
    with DmrDouble() as first, DmrDouble() as second:
        found = find(*candidates({}, [nobody, first.url, second.url]))
        assert found == split(first.url, "discovery")
        assert [request.path for request in first.requests] == ["/engines/v1/models"]
        assert second.connections == 0


def test_an_empty_store_is_a_model_runner_too() -> None:
    with DmrDouble([]) as dmr:
        assert find(split(dmr.url)).shown == dmr.url


def test_nobody_there_names_every_address_and_what_to_type(nobody: str) -> None:
    with refused_port() as other, pytest.raises(RunnerUnreachable) as caught:
        find(*candidates({}, [nobody, other]))
    text = str(caught.value)
    for words in (
        nobody,
        other,
        "docker model status",
        "docker desktop enable model-runner",
        "DMR_BASE_URL=",
    ):
        assert words in text


def test_a_wrong_setting_is_named_and_nobody_else_is_asked(nobody: str) -> None:
    with pytest.raises(
        RunnerUnreachable, match=r"^DMR_BASE_URL names no model runner that answers"
    ) as caught:
        find(*candidates({"DMR_BASE_URL": nobody}, ["localhost:1"]))
    assert "localhost:1 " not in str(caught.value)


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        pytest.param(
            double.Refusal(double.HTML_PAGE.response, path="/"), "a web page, 'Sign in'", id="web page"
        ),
        pytest.param(
            double.Refusal(double.json_answer({"a": 1}), path="/"), "no list of models", id="other JSON"
        ),
        pytest.param(double.Refusal(double.text_error(404, "no"), path="/"), "HTTP 404: no", id="404"),
        pytest.param(double.Refusal(double.BUSY_429.response, path="/", times=None), "busy", id="busy"),
    ],
)
def test_what_answers_but_is_no_model_runner_is_said(fault: double.Fault, words: str) -> None:
    with DmrDouble(faults=[fault]) as dmr:
        with pytest.raises(RunnerUnreachable, match=words):
            find(split(dmr.url, "MODEL_RUNNER_HOST"))
        assert len(dmr.requests) == 1


def test_an_address_that_keeps_silent_is_left(raw: Callable[[Callable[[socket.socket], None]], Raw]) -> None:
    server = raw(lambda connection: server.until_it_leaves(connection))
    with pytest.raises(RunnerUnreachable, match="did not reply"):
        find(split(server.url), timeout=0.2)


def test_an_empty_list_is_said() -> None:
    with pytest.raises(RunnerUnreachable, match=r"api\.discovery is empty"):
        find()
