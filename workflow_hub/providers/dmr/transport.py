"""The connections of both clients, and a deadline that holds against a server that drips.

Each request has a connection of its own: nothing idle can go stale or stay behind in an event loop
that has ended, and closing the connection frees the server's slot. On loopback that costs less than
a millisecond.
"""

from __future__ import annotations

import socket
import ssl
import time
import urllib.request
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any
from urllib.parse import urlsplit

import httpcore
import httpx

from workflow_hub.errors import ConfigError
from workflow_hub.providers.dmr.address import Address

_NAMES = (
    *(
        "ConnectTimeout",
        "ReadTimeout",
        "WriteTimeout",
        "PoolTimeout",
        "ConnectError",
        "ReadError",
        "WriteError",
    ),
    *("ProxyError", "UnsupportedProtocol", "LocalProtocolError", "RemoteProtocolError"),
)
_HTTPX: dict[type[Exception], type[httpx.TransportError]] = {
    getattr(httpcore, name): getattr(httpx, name) for name in _NAMES
}
_PIECE_BYTES = 64 * 1024
CONNECT_S = 5.0


class Clock:
    """How long one request may still take.

    `total_s` is for all of it; once it `began` to come, no pause may be longer than `stall_s`.
    """

    def __init__(self, total_s: float, stall_s: float) -> None:
        self.total_s, self.stall_s = total_s, stall_s
        self.began = False
        self._ends = time.monotonic() + total_s

    def left(self) -> float:
        """Seconds to the deadline, negative after it."""
        return self._ends - time.monotonic()

    def patience(self) -> float:
        """Seconds to wait for the next bytes."""
        return min(self.left(), self.stall_s) if self.began else self.left()


# The clock of the request that this thread is working on.
_clock: ContextVar[Clock] = ContextVar("clock")


def async_transport(address: Address) -> httpx.AsyncHTTPTransport:
    """Connections for the async client, whose deadline is a cancel scope."""
    proxy = proxy_for(address)
    secure = address.root.startswith("https:") or (proxy is not None and proxy.url.scheme == "https")
    with _proxy_errors():
        return httpx.AsyncHTTPTransport(
            # Loading the certificates takes 20 ms, for nothing where nothing is encrypted.
            verify=httpx.create_ssl_context() if secure else ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT),
            trust_env=False,
            limits=httpx.Limits(max_connections=None, max_keepalive_connections=0),
            proxy=proxy,
            uds=address.socket,
        )


class SyncTransport(httpx.BaseTransport):
    """Connections for the sync client; a request's `clock` extension bounds each read of its own."""

    def __init__(self, address: Address) -> None:
        proxy = proxy_for(address)
        with _proxy_errors():
            self._pool = httpcore.ConnectionPool(
                ssl_context=httpx.create_ssl_context() if address.root.startswith("https:") else None,
                proxy=None if proxy is None else _as_core(proxy),
                max_connections=None,
                max_keepalive_connections=0,
                uds=address.socket,
                network_backend=_Backend(),
            )

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """The server's answer, each wait for it bounded by the request's clock."""
        clock: Clock = request.extensions["clock"]
        target = httpcore.URL(
            scheme=request.url.raw_scheme,
            host=request.url.raw_host,
            port=request.url.port,
            target=request.url.raw_path,
        )
        sent = httpcore.Request(
            request.method, target, headers=request.headers.raw, content=request.read(), extensions={}
        )
        with _bounded(clock):
            answer = self._pool.handle_request(sent)
        return httpx.Response(answer.status, headers=answer.headers, stream=_Body(answer, clock))

    def close(self) -> None:
        """The connections are closed."""
        self._pool.close()


class _Body(httpx.SyncByteStream):
    def __init__(self, answer: httpcore.Response, clock: Clock) -> None:
        self._answer, self._clock = answer, clock

    def __iter__(self) -> Iterator[bytes]:
        parts = self._answer.iter_stream()
        while True:
            # Not around the loop: the clock must not be the caller's between two parts.
            with _bounded(self._clock):
                part = next(parts, None)
            if part is None:
                return
            yield part

    def close(self) -> None:
        self._answer.close()


class _Stream(httpcore.NetworkStream):
    """A connection whose every operation takes at most what the clock in force leaves."""

    def __init__(self, inner: httpcore.NetworkStream) -> None:
        self._inner = inner

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._inner.read(max_bytes, _patience(httpcore.ReadTimeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        for start in range(0, len(buffer), _PIECE_BYTES):
            self._inner.write(buffer[start : start + _PIECE_BYTES], _patience(httpcore.WriteTimeout))

    def close(self) -> None:
        self._inner.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        return _Stream(self._inner.start_tls(ssl_context, server_hostname, _connecting()))

    def get_extra_info(self, info: str) -> Any:
        return self._inner.get_extra_info(info)


class _Socket(httpcore.NetworkStream):
    """A Unix socket; httpcore's own leaves one open that does not connect."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        with _socket_errors(httpcore.ReadTimeout, httpcore.ReadError):
            self._connection.settimeout(timeout)
            return self._connection.recv(max_bytes)

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        with _socket_errors(httpcore.WriteTimeout, httpcore.WriteError):
            self._connection.settimeout(timeout)
            self._connection.sendall(buffer)

    def close(self) -> None:
        self._connection.close()

    def get_extra_info(self, info: str) -> Any:
        return None


class _Backend(httpcore.NetworkBackend):
    def __init__(self) -> None:
        self._inner = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        return _Stream(self._inner.connect_tcp(host, port, _connecting(), local_address, socket_options))

    def connect_unix_socket(
        self, path: str, timeout: float | None = None, socket_options: Iterable[Any] | None = None
    ) -> httpcore.NetworkStream:
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            with _socket_errors(httpcore.ConnectTimeout, httpcore.ConnectError):
                connection.settimeout(_connecting())
                connection.connect(path)
        except BaseException:
            connection.close()
            raise
        return _Stream(_Socket(connection))


def _connecting() -> float:
    return min(CONNECT_S, _patience(httpcore.ConnectTimeout))


def _patience(late: type[Exception]) -> float:
    left = _clock.get().patience()
    if left <= 0:
        raise late("the deadline has passed")
    return left


@contextmanager
def _socket_errors(late: type[Exception], broken: type[Exception]) -> Iterator[None]:
    try:
        yield
    except TimeoutError as error:
        raise late(str(error)) from error
    except OSError as error:
        raise broken(str(error)) from error


@contextmanager
def _bounded(clock: Clock) -> Iterator[None]:
    """Put `clock` in force, and raise httpx's errors for httpcore's."""
    token = _clock.set(clock)
    try:
        yield
    except tuple(_HTTPX) as error:
        kind = next(ours for theirs, ours in _HTTPX.items() if isinstance(error, theirs))
        raise kind(str(error)) from error
    finally:
        _clock.reset(token)


def proxy_for(address: Address, proxies: Mapping[str, str] | None = None) -> httpx.Proxy | None:
    """The proxy that the environment names for `address`; none for loopback and sockets."""
    parts = urlsplit(address.root)
    if address.local or urllib.request.proxy_bypass(parts.netloc):
        return None
    known = urllib.request.getproxies() if proxies is None else proxies
    url = known.get(parts.scheme) or known.get("all")
    with _proxy_errors():
        return httpx.Proxy(url if "://" in url else f"http://{url}") if url else None


def _as_core(proxy: httpx.Proxy) -> httpcore.Proxy:
    return httpcore.Proxy(str(proxy.url), auth=proxy.raw_auth, headers=proxy.headers.raw)


@contextmanager
def _proxy_errors() -> Iterator[None]:
    try:
        yield
    except (ValueError, ImportError, httpx.InvalidURL) as error:
        raise ConfigError(
            f"the proxy in the environment cannot be used: {error}; see HTTP_PROXY, NO_PROXY"
        ) from error
