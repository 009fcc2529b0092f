"""Clients for Docker Model Runner and its like: two thin shells around the same pure functions.

`reply` asks for the whole reply at once rather than for a stream: it comes with usage and timings,
the body is what the caller wrote, and a server notices a client that leaves either way.
"""

from __future__ import annotations

import math
import os
from collections.abc import AsyncGenerator, Callable, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import aclosing, closing, contextmanager, suppress
from types import TracebackType
from typing import Any, cast

import anyio
import httpx
import stamina
import stamina.instrumentation

from workflow_hub.errors import (
    ConfigError,
    HubError,
    ReplyCut,
    ReplyInvalid,
    RunnerBusy,
    RunnerTimeout,
    RunnerUnreachable,
    UsageError,
)
from workflow_hub.providers.dmr import wire
from workflow_hub.providers.dmr.address import DEFAULT, Address, candidates, split
from workflow_hub.providers.dmr.refusals import redirected, refusal
from workflow_hub.providers.dmr.runners import LOADED, Runner, read_runners, unloading
from workflow_hub.providers.dmr.stream import StreamReader
from workflow_hub.providers.dmr.transport import CONNECT_S, Clock, SyncTransport, async_transport
from workflow_hub.values import Delta, Message, ModelInfo, Reply

DEFAULT_MODEL = "ai/qwen3-coder"
# Above the 300 s that the server may take to load a model (contract, section 4.1).
TIMEOUT_S = 330.0
STALL_S = 60.0
TRIES = 4
_FIRST_PAUSE_S = 0.2
_ERROR_BYTES = 64 * 1024
_BROKEN = (httpx.ConnectError, httpx.ReadError, httpx.WriteError, httpx.RemoteProtocolError)

Messages = Sequence[Message | Mapping[str, Any]]


class _Shell:
    """What both clients are made of: an address, a key, and how long to wait."""

    def __init__(
        self,
        base_url: str | Address | None,
        timeout: float,
        api_key: str | None,
        stall_timeout: float,
        tries: int,
    ) -> None:
        for name, seconds in (("timeout", timeout), ("stall_timeout", stall_timeout)):
            if not (math.isfinite(seconds) and seconds > 0):
                raise UsageError(f"{name} is a number of seconds above 0, not {seconds}")
        if api_key and not (api_key.isascii() and api_key.isprintable()):
            raise ConfigError("the API key holds characters that no header can carry; check DMR_API_KEY")
        self._address = _address(base_url)
        self._timeout_s, self._stall_s, self._tries = timeout, stall_timeout, tries
        # No compression: a compressed stream comes late and in lumps.
        self._headers = {"Accept-Encoding": "identity", "User-Agent": "workflow-hub"}
        if api_key:
            self._headers["Authorization"] = f"Bearer {api_key}"
        _hush_retries()

    @property
    def address(self) -> Address:
        return self._address

    @property
    def base_url(self) -> str:
        """The address as it was given, without a slash at the end."""
        return self._address.shown

    def _clock(self) -> Clock:
        return Clock(self._timeout_s, self._stall_s)

    def _request(self, call: wire.Call, clock: Clock, root: str | None = None) -> httpx.Request:
        headers = dict(self._headers)
        if call.body is not None:
            headers["Content-Type"] = "application/json"
        return httpx.Request(
            "GET" if call.body is None else "POST",
            (self._address.url if root is None else root) + call.path,
            headers=headers,
            content=call.body,
            extensions={"clock": clock, "timeout": httpx.Timeout(None, connect=CONNECT_S).as_dict()},
        )

    def _again(self, clock: Clock) -> Callable[[Exception], bool]:
        """A hook for stamina: whether this failure is worth another try, and the deadline leaves room."""
        pauses = iter([_FIRST_PAUSE_S * 2**number for number in range(self._tries - 1)])

        def again(error: Exception) -> bool:
            pause = next(pauses, math.inf)
            return isinstance(error, (RunnerBusy, *_BROKEN)) and pause < clock.left()

        return again

    def _retrying(self, clock: Clock, send: Callable[..., Any]) -> Any:
        return stamina.retry(
            on=self._again(clock),
            attempts=self._tries,
            timeout=None,
            wait_initial=_FIRST_PAUSE_S,
            wait_max=60.0,
            wait_jitter=0.0,
        )(send)

    def _refused(self, response: httpx.Response, body: bytes, call: wire.Call) -> HubError:
        if response.is_redirect:
            return redirected(response.status_code, response.headers.get("location", ""))
        return refusal(response.status_code, body, model=call.model, where=self._address.shown)

    @contextmanager
    def _border(self, call: wire.Call, clock: Clock, reader: StreamReader | None = None) -> Iterator[None]:
        """Raise our errors for httpx's; the original stays as the cause."""
        where, who = self._address.shown, call.model or "the model runner"
        try:
            yield
        except (httpx.ConnectError, httpx.ProxyError, httpx.UnsupportedProtocol) as error:
            raise RunnerUnreachable(_nobody(where, str(error))) from error
        except (httpx.TimeoutException, TimeoutError) as error:
            if isinstance(error, httpx.ConnectTimeout) and clock.left() > 0:
                raise RunnerUnreachable(_nobody(where, f"no connection in {CONNECT_S:g} s")) from error
            if clock.began and clock.left() > 0:
                text = f"{who} sent no more of its reply for {clock.stall_s:g} s; see `docker model logs`"
            else:
                text = f"{who} did not reply within {clock.total_s:g} s; raise the timeout, or load it first"
            raise RunnerTimeout(text, partial=reader.cut() if reader else "") from error
        except (*_BROKEN, httpx.LocalProtocolError) as error:
            text = f"the connection to {where} broke off ({error}); see `docker model status`"
            raise ReplyCut(text, partial=reader.cut() if reader else "") from error
        except httpx.DecodingError as error:
            raise ReplyInvalid(f"{where} sent what cannot be decoded: {error}") from error


class DockerModelClient(_Shell):
    """Asks a model runner, from any number of threads.

    `base_url` None is the address in the environment, else http://localhost:12434. `timeout` is the
    total seconds of one call, tries included; `stall_timeout` the longest pause within a reply.
    """

    def __init__(
        self,
        base_url: str | Address | None = None,
        *,
        timeout: float = TIMEOUT_S,
        api_key: str | None = None,
        stall_timeout: float = STALL_S,
        tries: int = TRIES,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        super().__init__(base_url, timeout, api_key, stall_timeout, tries)
        self._client = httpx.Client(transport=transport or SyncTransport(self._address), trust_env=False)

    def __enter__(self) -> DockerModelClient:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def chat(
        self,
        messages: Messages,
        model: str = DEFAULT_MODEL,
        temperature: float | None = 0.7,
        max_tokens: int | None = None,
        **parameters: Any,
    ) -> str:
        """The text of the reply; see `reply`."""
        return self.reply(messages, model, temperature, max_tokens, **parameters).text

    def complete(
        self,
        prompt: str,
        model: str = DEFAULT_MODEL,
        temperature: float | None = 0.7,
        max_tokens: int | None = None,
        **parameters: Any,
    ) -> str:
        """The text of the reply to a single prompt of the user's."""
        return self.chat([Message("user", prompt)], model, temperature, max_tokens, **parameters)

    def reply(
        self,
        messages: Messages,
        model: str = DEFAULT_MODEL,
        temperature: float | None = 0.7,
        max_tokens: int | None = None,
        **parameters: Any,
    ) -> Reply:
        """The whole reply. `parameters` are OpenAI's, or the server's own; None leaves one out.

        Messages of the `Message` kind and OpenAI's dicts may be mixed. A last message of the
        assistant's is continued; the reply is what comes after it. Of several choices (`n`) the first
        is the reply, and usage and timings count that one alone.
        """
        call = wire.chat(messages, model, _sampling(temperature, max_tokens, parameters))
        return wire.read_chat(self._fetch(call), call)

    def stream(
        self,
        messages: Messages,
        model: str = DEFAULT_MODEL,
        temperature: float | None = 0.7,
        max_tokens: int | None = None,
        **parameters: Any,
    ) -> Generator[Delta]:
        """The reply as it comes; closing the generator stops the model."""
        return self._stream(
            wire.chat(messages, model, _sampling(temperature, max_tokens, parameters), stream=True)
        )

    def completions(
        self,
        prompt: str,
        model: str = DEFAULT_MODEL,
        temperature: float | None = 0.7,
        max_tokens: int | None = None,
        **parameters: Any,
    ) -> str:
        """Text that goes on after `prompt`, without a chat template."""
        call = wire.completion(prompt, model, _sampling(temperature, max_tokens, parameters))
        return wire.read_completion(self._fetch(call), call)

    def embeddings(self, texts: Sequence[str], model: str, **parameters: Any) -> list[list[float]]:
        """One vector for each of `texts`; the model must be one for embeddings."""
        call = wire.embedding(texts, model, parameters)
        return wire.read_embeddings(self._fetch(call), call)

    def models(self) -> list[ModelInfo]:
        """The models that the server has, each under its first name."""
        return wire.read_models(self._fetch(wire.LISTING))

    def model(self, name: str) -> ModelInfo:
        """What the server tells of one model. Raises ModelMissing."""
        call = wire.retrieval(name)
        return wire.read_model(self._fetch(call), call)

    def _fetch(self, call: wire.Call) -> bytes:
        clock = self._clock()
        with self._border(call, clock), closing(self._open(call, clock)) as response:
            return response.read()

    def _stream(self, call: wire.Call) -> Generator[Delta]:
        clock, reader = self._clock(), StreamReader(call)
        with self._border(call, clock, reader), closing(self._open(call, clock)) as response:
            if not _is_stream(response):
                yield from reader.whole(response.read())
                return
            for data in response.iter_bytes():
                yield from reader.feed(data)
                clock.began = reader.began
                if reader.done:
                    break
            reader.reply()

    def _open(self, call: wire.Call, clock: Clock) -> httpx.Response:
        response: httpx.Response = self._retrying(clock, self._send)(call, clock)
        return response

    def _send(self, call: wire.Call, clock: Clock) -> httpx.Response:
        response = self._client.send(self._request(call, clock), stream=True)
        if response.is_success:
            clock.began = not _is_stream(response)
            return response
        with closing(response):
            raise self._refused(response, _error_body(response), call)


class AsyncDockerModelClient(_Shell):
    """The same with `await`, for several event loops one after the other.

    Cancelling a call, or closing a stream, closes its connection at once: that frees the server's
    slot.
    """

    def __init__(
        self,
        base_url: str | Address | None = None,
        *,
        timeout: float = TIMEOUT_S,
        api_key: str | None = None,
        stall_timeout: float = STALL_S,
        tries: int = TRIES,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        super().__init__(base_url, timeout, api_key, stall_timeout, tries)
        self._client = httpx.AsyncClient(
            transport=transport or async_transport(self._address), trust_env=False
        )

    async def __aenter__(self) -> AsyncDockerModelClient:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    async def chat(
        self,
        messages: Messages,
        model: str = DEFAULT_MODEL,
        temperature: float | None = 0.7,
        max_tokens: int | None = None,
        **parameters: Any,
    ) -> str:
        """The text of the reply; see `reply`."""
        return (await self.reply(messages, model, temperature, max_tokens, **parameters)).text

    async def complete(
        self,
        prompt: str,
        model: str = DEFAULT_MODEL,
        temperature: float | None = 0.7,
        max_tokens: int | None = None,
        **parameters: Any,
    ) -> str:
        """The text of the reply to a single prompt of the user's."""
        return await self.chat([Message("user", prompt)], model, temperature, max_tokens, **parameters)

    async def reply(
        self,
        messages: Messages,
        model: str = DEFAULT_MODEL,
        temperature: float | None = 0.7,
        max_tokens: int | None = None,
        **parameters: Any,
    ) -> Reply:
        """The whole reply, as `DockerModelClient.reply` gives it."""
        call = wire.chat(messages, model, _sampling(temperature, max_tokens, parameters))
        return wire.read_chat(await self._fetch(call), call)

    def stream(
        self,
        messages: Messages,
        model: str = DEFAULT_MODEL,
        temperature: float | None = 0.7,
        max_tokens: int | None = None,
        **parameters: Any,
    ) -> AsyncGenerator[Delta, None]:
        """The reply as it comes; closing the generator stops the model."""
        call = wire.chat(messages, model, _sampling(temperature, max_tokens, parameters), stream=True)
        return self._stream(call, StreamReader(call))

    async def told(
        self,
        messages: Messages,
        tell: Callable[[Delta], None],
        model: str = DEFAULT_MODEL,
        temperature: float | None = 0.7,
        max_tokens: int | None = None,
        **parameters: Any,
    ) -> Reply:
        """The whole reply as `reply` gives it; `tell` hears each piece of it as it comes."""
        given = _sampling(temperature, max_tokens, parameters) | {"stream_options": {"include_usage": True}}
        call = wire.chat(messages, model, given, stream=True)
        reader = StreamReader(call)
        async with aclosing(self._stream(call, reader)) as deltas:
            async for delta in deltas:
                tell(delta)
        return reader.reply()

    async def completions(
        self,
        prompt: str,
        model: str = DEFAULT_MODEL,
        temperature: float | None = 0.7,
        max_tokens: int | None = None,
        **parameters: Any,
    ) -> str:
        """Text that goes on after `prompt`, without a chat template."""
        call = wire.completion(prompt, model, _sampling(temperature, max_tokens, parameters))
        return wire.read_completion(await self._fetch(call), call)

    async def embeddings(self, texts: Sequence[str], model: str, **parameters: Any) -> list[list[float]]:
        """One vector for each of `texts`; the model must be one for embeddings."""
        call = wire.embedding(texts, model, parameters)
        return wire.read_embeddings(await self._fetch(call), call)

    async def models(self) -> list[ModelInfo]:
        """The models that the server has, each under its first name."""
        return wire.read_models(await self._fetch(wire.LISTING))

    async def model(self, name: str) -> ModelInfo:
        """What the server tells of one model. Raises ModelMissing."""
        call = wire.retrieval(name)
        return wire.read_model(await self._fetch(call), call)

    async def stored(self) -> list[wire.Stored]:
        """The models with their digests and all their tags, which only DMR's native listing tells."""
        return wire.read_stored(await self._fetch(wire.LISTING, self._address.root))

    async def runners(self) -> list[Runner]:
        """The models that are in memory, which only DMR's native paths tell."""
        return read_runners(await self._fetch(LOADED, self._address.root))

    async def unload(self, names: Iterable[str]) -> None:
        """Ask for models to be taken out of memory. That it succeeds means nothing: see `runners`."""
        await self._fetch(unloading(names), self._address.root)

    async def _fetch(self, call: wire.Call, root: str | None = None) -> bytes:
        clock = self._clock()
        with self._border(call, clock):
            response = await self._open(call, clock, root)
            async with aclosing(response):
                return await _whole(response, clock)

    async def _stream(self, call: wire.Call, reader: StreamReader) -> AsyncGenerator[Delta, None]:
        clock = self._clock()
        with self._border(call, clock, reader):
            response = await self._open(call, clock)
            async with aclosing(response):
                if not _is_stream(response):
                    for delta in reader.whole(await _whole(response, clock)):
                        yield delta
                    return
                async with aclosing(_pieces(response, clock)) as pieces:
                    async for data in pieces:
                        for delta in reader.feed(data):
                            yield delta
                        clock.began = reader.began
                        if reader.done:
                            break
            reader.reply()

    async def _open(self, call: wire.Call, clock: Clock, root: str | None = None) -> httpx.Response:
        with anyio.fail_after(clock.left()):
            response: httpx.Response = await self._retrying(clock, self._send)(call, clock, root)
            return response

    async def _send(self, call: wire.Call, clock: Clock, root: str | None = None) -> httpx.Response:
        response = await self._client.send(self._request(call, clock, root), stream=True)
        if response.is_success:
            clock.began = not _is_stream(response)
            return response
        async with aclosing(response):
            raise self._refused(response, await _async_error_body(response, clock), call)


def _address(base_url: str | Address | None) -> Address:
    if isinstance(base_url, Address):
        return base_url
    if base_url is not None:
        return split(base_url)
    return candidates(os.environ, [DEFAULT])[0]


def _nobody(where: str, reason: str) -> str:
    return f"no model runner answers at {where} ({reason}); see `docker model status`, or set DMR_BASE_URL"


def _sampling(
    temperature: float | None, max_tokens: int | None, parameters: Mapping[str, Any]
) -> dict[str, Any]:
    return {"temperature": temperature, "max_tokens": max_tokens, **parameters}


def _is_stream(response: httpx.Response) -> bool:
    """Whether server-sent events come; a server may answer a request for them with a plain reply."""
    return str(response.headers.get("content-type", "")).startswith("text/event-stream")


def _error_body(response: httpx.Response) -> bytes:
    """The beginning of a refusal's body, as far as it comes."""
    body = bytearray()
    with suppress(*_BROKEN, httpx.DecodingError):
        for data in response.iter_bytes():
            body += data
            if len(body) > _ERROR_BYTES:
                break
    return bytes(body)


async def _async_error_body(response: httpx.Response, clock: Clock) -> bytes:
    """The beginning of a refusal's body, as far as it comes."""
    body = bytearray()
    with suppress(*_BROKEN, httpx.DecodingError):
        async with aclosing(_pieces(response, clock)) as pieces:
            async for data in pieces:
                body += data
                if len(body) > _ERROR_BYTES:
                    break
    return bytes(body)


async def _whole(response: httpx.Response, clock: Clock) -> bytes:
    return b"".join([data async for data in _pieces(response, clock)])


async def _pieces(response: httpx.Response, clock: Clock) -> AsyncGenerator[bytes, None]:
    """The body as it comes. Raises TimeoutError where the clock's patience ends."""
    async with aclosing(cast("AsyncGenerator[bytes, None]", response.aiter_bytes())) as chunks:
        while True:
            # A cancel scope must not be open where a generator yields.
            with anyio.fail_after(clock.patience()):
                data = await anext(chunks, None)
            if data is None:
                return
            yield data


def _hush_retries() -> None:
    """Keep our retries out of stamina's reports, which go to stderr or stdout unasked.

    The hooks that are set stay in force for everybody else, and an application that sets its own
    afterwards sees our retries too.
    """
    hooks = stamina.instrumentation.get_on_retry_hooks()
    if not all(isinstance(hook, _Hushed) for hook in hooks):
        stamina.instrumentation.set_on_retry_hooks([_Hushed(hook) for hook in hooks])


class _Hushed:
    def __init__(self, hook: stamina.instrumentation.RetryHook) -> None:
        self._hook = hook

    def __call__(self, details: stamina.instrumentation.RetryDetails) -> Any:
        return None if details.name.startswith(f"{__name__}.") else self._hook(details)
