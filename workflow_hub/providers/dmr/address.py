"""Where a model runner may be: addresses read from settings, variables and a list to try.

The order is fixed: an explicit base URL, `DMR_BASE_URL`, `MODEL_RUNNER_HOST`, what Compose injects,
then discovery. The first of these that is set is the only one asked: a wrong setting is an error
that names it. Source: the contract, sections 1 and 7.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from workflow_hub.errors import ConfigError

DEFAULT = "localhost:12434"
IN_CONTAINERS = ("model-runner.docker.internal", "172.17.0.1:12434")
DISCOVERY = "discovery"
_INFERENCE_PATH = "/engines/v1"
# /engines/v1, /engines/llama.cpp/v1 or /v1 at the end, complete or not, and an endpoint pasted with it.
_PATH = re.compile(
    r"(?P<path>/engines(?:/(?!v1\b)(?P<engine>[^/]+))?(?:/v1)?|/v1)(?:/chat/completions|/completions|/models)?/*$"
)
_MARKERS = ("/.dockerenv", "/run/.containerenv")


@dataclass(frozen=True, slots=True)
class Address:
    """Where requests go: `root` for native paths, `root + path` for inference.

    `shown` is the address as it was given, with its scheme; `origin` is what named it. With
    `socket`, the root's host is only a name.
    """

    root: str
    path: str
    shown: str
    origin: str = "base_url"
    socket: str | None = None

    @property
    def url(self) -> str:
        """The whole address: the server and the path on it."""
        return self.root + self.path

    @property
    def local(self) -> bool:
        """Whether it is a socket or loopback: no proxy stands in between."""
        host = urlsplit(self.root).hostname or ""
        return self.socket is not None or host == "localhost" or _is_loopback(host)


def split(url: str, origin: str = "base_url") -> Address:
    """The address that `url` means, with or without a scheme, an engine path, a trailing slash.

    A root alone gets `/engines/v1`. `unix:///run/x.sock` may go on with a path behind the socket.
    Raises ConfigError, which names `origin` and never repeats a password.
    """
    given = url.strip()
    text = (given if "://" in given else f"http://{given}").rstrip("/")
    if not given:
        raise ConfigError(f"{origin} is empty; write it as http://{DEFAULT} or unix:///path/to.sock")
    try:
        parts = urlsplit(text)
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise ConfigError(f"{origin} is no address: {error}; write it as http://HOST:PORT") from error
    if parts.username or parts.password:
        raise ConfigError(
            f"{origin} holds a user or a password; put a key into api.key (DMR_API_KEY) instead"
        )
    if parts.query or parts.fragment or re.search(r"[\s\x00-\x1f\x7f]", text):
        raise ConfigError(f"{origin} is no address: {text!r}; write it as http://HOST:PORT")
    if parts.scheme == "unix":
        return _socket(text, parts.netloc + parts.path, origin)
    if parts.scheme not in ("http", "https") or not host or port == 0:
        raise ConfigError(f"{origin} is no address: {text!r}; write it as http://HOST:PORT or unix:///path")
    prefix, path = _split_path(parts.path)
    return Address(f"{parts.scheme}://{parts.netloc}{prefix}", path, text, origin)


def candidates(
    env: Mapping[str, str],
    discovery: Sequence[str] | None = None,
    in_container: bool = False,
    *,
    base_url: str | None = None,
    origin: str = "base_url",
) -> list[Address]:
    """The addresses to try, in order. More than one only from Compose or discovery.

    `discovery` None is the usual list: this host, and in a container the names of its host as well.
    `origin` says where `base_url` was set.
    """
    if base_url is not None:
        return [split(base_url, origin)]
    for name in ("DMR_BASE_URL", "MODEL_RUNNER_HOST"):
        if env.get(name, "").strip():
            return [split(env[name], name)]
    if injected := _injected(env):
        return injected
    usual = (DEFAULT, *IN_CONTAINERS) if in_container else (DEFAULT,)
    return [split(url, DISCOVERY) for url in (usual if discovery is None else discovery)]


def inside_container(markers: Sequence[str] = _MARKERS) -> bool:
    """Whether this process runs in a Docker or Podman container."""
    return any(Path(marker).exists() for marker in markers)


def _injected(env: Mapping[str, str]) -> list[Address]:
    """What Compose sets for a service with models: LLM_URL beside LLM_MODEL."""
    found: dict[str, Address] = {}
    for name in sorted(env):
        stem = name.removesuffix("_URL")
        if stem != name and f"{stem}_MODEL" in env and "/engines" in env[name]:
            address = split(env[name], name)
            found.setdefault(address.url, address)
    return list(found.values())


def _split_path(path: str) -> tuple[str, str]:
    found = _PATH.search(path)
    if found is None:
        return path, _INFERENCE_PATH
    complete = found["path"] if found["path"].endswith("/v1") else found["path"] + "/v1"
    return path[: found.start()], complete


def _socket(text: str, path: str, origin: str) -> Address:
    """The socket is the path up to its first part that ends in `.sock`, else all but the engine path."""
    found = re.match(r"(?P<socket>.*?\.sock)(?P<rest>/.*)?$", path)
    if found:
        socket, (prefix, inference) = found["socket"], _split_path(found["rest"] or "")
    else:
        (socket, inference), prefix = _split_path(path), ""
    if not socket.startswith("/"):
        raise ConfigError(f"{origin} is no address: {text!r}; write it as unix:///path/to.sock")
    return Address(f"http://localhost{prefix}", inference, text, origin, socket)


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
