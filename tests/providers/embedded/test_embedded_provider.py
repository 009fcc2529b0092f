"""The provider: what it promises before it starts anything, and how it gets on with a real engine."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import anyio
import httpx
import psutil
import pytest
from doubles.tiny_model import build_text_model

from workflow_hub.errors import (
    EngineFailed,
    ModelMissing,
    ReplyCut,
    RequestRefused,
    TemplateRefused,
    WeightsUnavailable,
)
from workflow_hub.providers import OnDelta, Provider
from workflow_hub.providers.embedded import EmbeddedProvider, EngineSettings, Progress, warm, weights
from workflow_hub.providers.embedded.catalogue import CATALOGUE, Weights
from workflow_hub.providers.embedded.engine import Engine
from workflow_hub.values import Delta, Image, Message, Prompt, Reply, Usage

NAME = "qwen2.5-coder-0.5b"
SETTINGS = EngineSettings(slots=2, context_tokens=131072)
SCHEMA = {
    "type": "object",
    "properties": {"a": {"enum": ["x", "y"]}, "b": {"type": ["boolean", "null"]}},
    "required": ["a", "b"],
    "additionalProperties": False,
}
Becomes = Callable[[Callable[[], object]], bool]


@pytest.fixture
def own_weights(endless: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("WORKFLOW_HUB_WEIGHTS", str(endless))
    return endless


def prompt(text: str = "hi", schema: dict[str, Any] | None = None, *images: Image, **options: Any) -> Prompt:
    message = Message("user", text, images)
    return Prompt("test", (message,), schema, {"max_tokens": 8} | options)


def long() -> Prompt:
    return prompt(max_tokens=100_000, ignore_eos=True)


@asynccontextmanager
async def provider(**options: Any) -> AsyncIterator[EmbeddedProvider]:
    made = EmbeddedProvider(**({"settings": SETTINGS} | options))
    try:
        yield made
    finally:
        await made.aclose()


def engines() -> list[psutil.Process]:
    """The engines that are children of this process."""
    children = psutil.Process().children()
    return [p for p in children if p.status() != psutil.STATUS_ZOMBIE and "child.py" in " ".join(p.cmdline())]


def killed() -> int:
    """kill -9 for every engine of ours; they are dead when it returns."""
    mine = engines()
    for process in mine:
        os.kill(process.pid, signal.SIGKILL)
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)  # its exit code is left for its owner
    return len(mine)


async def busy(provider: EmbeddedProvider) -> int:
    """How many requests its engine works on."""
    session = provider._session
    assert session is not None
    bearer = {"Authorization": f"Bearer {session.engine.key}"}
    async with httpx.AsyncClient(trust_env=False) as client:
        try:
            lines = (await client.get(f"{session.engine.url}/metrics", headers=bearer)).text.splitlines()
        except httpx.TransportError:
            return 0
    return int(next(line.split()[1] for line in lines if line.startswith("llamacpp:requests_processing ")))


async def until_busy(provider: EmbeddedProvider, count: int) -> None:
    with anyio.fail_after(20):
        while provider._session is None or await busy(provider) != count:
            await anyio.sleep(0.02)


# -- before anything is started ------------------------------------------------------------------


def test_find_tells_of_the_users_file_and_starts_nothing(own_weights: Path) -> None:
    async def run() -> None:
        made: Provider = EmbeddedProvider(settings=SETTINGS)
        info = await made.find(NAME)
        assert (info.id, info.identity) == (NAME, weights.identity(own_weights))
        assert (info.slots, info.context_tokens) == (2, 131072)
        await made.aclose()

    anyio.run(run)
    assert engines() == []


@pytest.mark.parametrize(
    ("model", "asked", "error", "words"),
    [
        pytest.param(NAME, NAME, WeightsUnavailable, "workflow-hub engine start", id="weights not here"),
        pytest.param(
            NAME, "ai/other", ModelMissing, "runs qwen2.5-coder-0.5b, not ai/other", id="another model"
        ),
        pytest.param("gpt-9", "gpt-9", ModelMissing, "no weights are known for gpt-9", id="unknown model"),
    ],
)
def test_what_cannot_be_had_is_said(model: str, asked: str, error: type[Exception], words: str) -> None:
    async def run() -> None:
        with pytest.raises(error, match=words):
            await EmbeddedProvider(model).find(asked)

    anyio.run(run)


def test_where_weights_may_be_fetched_their_pinned_identity_is_known_before() -> None:
    async def run() -> None:
        info = await EmbeddedProvider(may_download=True).find(NAME)
        assert info.identity == CATALOGUE[NAME].sha256

    anyio.run(run)
    assert not weights.folder().exists()


def test_a_prompt_without_weights_fetches_nothing_unless_it_may() -> None:
    nowhere = Weights("tiny", "tiny.gguf", 10, "0" * 64, "MIT", ())

    async def run(may_download: bool, words: str) -> None:
        with pytest.raises(WeightsUnavailable, match=words):
            await EmbeddedProvider(nowhere, may_download=may_download).complete(prompt(), "tiny")

    anyio.run(run, False, "are not on this machine")
    anyio.run(run, True, "could not be downloaded")


# -- with an engine ------------------------------------------------------------------------------


def test_prompts_are_answered_by_one_engine_that_goes_with_the_provider(
    own_weights: Path, projector: Path
) -> None:
    told: list[Progress] = []

    async def run() -> None:
        async with provider(progress=told.append, projector=projector) as made:
            replies: dict[int, Any] = {}

            async def ask(n: int) -> None:
                replies[n] = await made.complete(prompt(f"number {n}"), NAME)

            async with anyio.create_task_group() as group:
                for n in range(5):
                    group.start_soon(ask, n)
            assert [replies[n].model for n in range(5)] == [NAME] * 5
            assert all(reply.usage.completion_tokens <= 8 for reply in replies.values())
            assert len(engines()) == 1

            document = json.loads((await made.complete(prompt("hi", SCHEMA, max_tokens=300), NAME)).text)
            assert document["a"] in ("x", "y") and document["b"] in (True, False, None)

            pieces: list[Delta] = []
            reply = await made.complete(prompt(max_tokens=30, ignore_eos=True), NAME, pieces.append)
            assert len(pieces) > 1 and "".join(delta.text for delta in pieces) == reply.text
            assert reply.usage.completion_tokens == 30

            broken = Image(b"\x89PNG broken", "image/png")
            with pytest.raises(RequestRefused, match="Failed to load image"):
                await made.complete(prompt("look", None, broken), NAME)

    anyio.run(run)
    assert engines() == []
    assert Progress("loading the model") in told


LEAD = Message("system", "be kind and brief " * 40)


async def led(made: EmbeddedProvider, question: str) -> Usage:
    # With a schema, because a random model's free reply may be nothing at all.
    asked = Prompt("test", (LEAD, Message("user", question)), SCHEMA, {"max_tokens": 300})
    return (await made.complete(asked, NAME)).usage


def known(usage: Usage) -> bool:
    """Whether all but the question was there before."""
    return usage.cached_tokens > 0.9 * usage.prompt_tokens


def test_what_the_first_prompt_made_one_slot_read_all_have_read(
    own_weights: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    usages: list[Usage] = []

    async def run() -> None:
        async with provider() as made:

            async def ask(question: str) -> None:
                usages.append(await led(made, question))

            await ask("first")
            async with anyio.create_task_group() as group:
                group.start_soon(ask, "one")
                group.start_soon(ask, "two")
            assert list(tmp_path.glob("workflow-hub-slots-*/*.state"))

    anyio.run(run)
    assert usages[0].cached_tokens == 0
    assert all(map(known, usages[1:]))
    assert not list(tmp_path.glob("workflow-hub-slots-*"))


def test_a_warm_engine_knows_the_instructions_of_an_earlier_run(own_weights: Path) -> None:
    async def run() -> list[Usage]:
        usages = []
        for question in ("one", "two"):
            async with provider() as made:
                usages.append(await led(made, question))
                for n in range(3):  # what other work leaves in the slots
                    await made.complete(prompt(f"{n} " * 200, SCHEMA, max_tokens=300), NAME)
        return usages

    warm.start(NAME, SETTINGS)
    try:
        first, second = anyio.run(run)
    finally:
        warm.stop()
    assert first.cached_tokens == 0
    assert known(second)


def test_prompts_that_fill_the_shared_context_one_after_the_other_are_all_answered(own_weights: Path) -> None:
    async def run() -> list[Reply]:
        async with provider(settings=EngineSettings(slots=3, context_tokens=1024)) as made:
            return [
                await made.complete(prompt(f"{n} " * 300, SCHEMA, max_tokens=300), NAME) for n in range(4)
            ]

    replies = anyio.run(run)
    assert all(reply.usage.prompt_tokens > 512 for reply in replies), "two of them do not fit together"


@pytest.mark.parametrize("told", [None, lambda delta: None], ids=["whole", "told"])
def test_cancelling_frees_the_slot(own_weights: Path, told: OnDelta | None) -> None:
    async def run() -> None:
        async with provider() as made:
            async with anyio.create_task_group() as group:
                group.start_soon(made.complete, long(), NAME, told)
                await until_busy(made, 1)
                group.cancel_scope.cancel()
            await until_busy(made, 0)

    anyio.run(run)


def test_cancelling_while_it_starts_leaves_no_engine(own_weights: Path) -> None:
    async def run() -> None:
        async with provider() as made, anyio.create_task_group() as group:
            begun = anyio.Event()

            def tell(progress: Progress) -> None:
                anyio.from_thread.run_sync(begun.set)

            made._progress = tell
            group.start_soon(made.complete, prompt(), NAME)
            await begun.wait()
            group.cancel_scope.cancel()

    anyio.run(run)
    assert engines() == []


def test_an_engine_that_died_while_idle_is_started_again(own_weights: Path) -> None:
    async def run() -> None:
        async with provider() as made:
            await made.complete(prompt(), NAME)
            assert killed() == 1
            assert (await made.complete(prompt(), NAME)).model == NAME

    anyio.run(run)


def test_requests_that_the_engine_took_with_it_are_asked_again(own_weights: Path) -> None:
    async def run() -> None:
        async with provider() as made:
            done = []

            async def ask() -> None:
                done.append(await made.complete(prompt(max_tokens=3000, ignore_eos=True), NAME))

            async with anyio.create_task_group() as group:
                group.start_soon(ask)
                group.start_soon(ask)
                await until_busy(made, 2)
                assert killed() == 1
            assert [reply.usage.completion_tokens for reply in done] == [3000, 3000]
            assert len(engines()) == 1

    anyio.run(run)


def test_a_request_that_kills_the_engine_twice_fails_alone(own_weights: Path) -> None:
    async def run() -> None:
        async with provider() as made:

            async def kill_twice() -> None:
                for _ in range(2):
                    await until_busy(made, 1)
                    assert killed() == 1

            async with anyio.create_task_group() as group:
                group.start_soon(kill_twice)
                with pytest.raises(ReplyCut, match="died of this request"):
                    await made.complete(long(), NAME)
            assert (await made.complete(prompt(), NAME)).model == NAME

    anyio.run(run)


def test_an_engine_that_keeps_dying_stops_the_run_with_its_last_words(own_weights: Path) -> None:
    async def run() -> None:
        async with provider() as made:
            await made.complete(prompt(), NAME)
            for _ in range(3):
                killed()
                await made._ready()
            killed()
            with pytest.raises(EngineFailed, match=r"(?s)died 4 times in a row.*It said last:"):
                await made.complete(prompt(), NAME)

    anyio.run(run)


def test_a_reply_that_was_seen_is_not_begun_again(own_weights: Path) -> None:
    async def run() -> None:
        async with provider() as made:
            shown: list[str] = []

            def see(delta: Delta) -> None:
                if not shown:
                    killed()
                shown.append(delta.text)

            with pytest.raises(ReplyCut) as caught:
                await made.complete(long(), NAME, see)
            assert caught.value.partial.startswith("".join(shown)) and shown


def test_another_program_reaches_the_engine_at_its_endpoint(own_weights: Path) -> None:
    async def run() -> None:
        async with provider() as made:
            place = await made.endpoint(NAME)
            bearer = {"Authorization": f"Bearer {place.key}"}
            async with httpx.AsyncClient(trust_env=False) as client:
                assert (await client.get(f"{place.base_url}/models", headers=bearer)).is_success
            assert place.base_url.startswith("http://127.0.0.1:") and place.key not in repr(place)
            assert await made.endpoint(NAME) == place, "the engine is the same"
            assert not await made.free(NAME)
            with pytest.raises(ModelMissing, match="not ai/other"):
                await made.endpoint("ai/other")

    anyio.run(run)
    assert engines() == []

    anyio.run(run)


PICKY = (
    "{% for m in messages %}{% if (m['role'] == 'user') != (loop.index0 % 2 == 0) %}"
    "{{ raise_exception('Conversation roles must alternate') }}{% endif %}{{ m['content'] }}{% endfor %}"
)


def test_a_template_that_refuses_the_messages_is_told_from_a_schema_that_is_wrong(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = build_text_model(tmp_path / "picky.gguf", template=PICKY)
    monkeypatch.setenv("WORKFLOW_HUB_WEIGHTS", str(model))
    twice = replace(prompt(), messages=(Message("user", "a"), Message("user", "b")))

    async def run() -> None:
        async with provider(settings=EngineSettings(slots=1, context_tokens=512)) as made:
            assert (await made.complete(prompt(), NAME)).finish
            for told in (None, lambda delta: None):
                with pytest.raises(TemplateRefused, match="Exception: Conversation roles must alternate"):
                    await made.complete(twice, NAME, told)
            with pytest.raises(RequestRefused, match="simplify it") as caught:
                await made.complete(prompt("hi", {"type": "nonsense"}), NAME)
            assert not isinstance(caught.value, TemplateRefused)

    anyio.run(run)


# -- the warm one --------------------------------------------------------------------------------


def test_a_warm_engine_with_the_same_weights_is_used_and_left(own_weights: Path) -> None:
    warm_one = warm.start(NAME, SETTINGS)

    async def run() -> None:
        async with provider() as made:
            assert (await made.complete(prompt(), NAME)).model == NAME
            assert made._session is not None and made._session.engine == warm_one
        async with provider(settings=EngineSettings(slots=3, context_tokens=512)) as made:
            await made.complete(prompt(), NAME)
            assert made._session is not None and isinstance(made._session.engine, Engine)

    anyio.run(run)
    assert warm.stop() == warm_one


def test_a_warm_engine_that_dies_is_replaced_by_one_of_our_own(own_weights: Path, becomes: Becomes) -> None:
    warm_one = warm.start(NAME, SETTINGS)

    async def run() -> None:
        async with provider() as made:
            await made.complete(prompt(), NAME)
            os.kill(warm_one.pid, signal.SIGKILL)
            assert becomes(lambda: not warm_one.alive)
            assert (await made.complete(prompt(), NAME)).model == NAME
            assert made._session is not None and isinstance(made._session.engine, Engine)

    anyio.run(run)
    assert warm.status() is None
