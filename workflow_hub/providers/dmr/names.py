"""The three spellings of one model, made comparable: as typed, as listed, as an id.

The rules are the server's own (contract, section 3.1): `ai/` before a bare name, `latest` without a
tag, lower case for the name but not for the tag, and 12 or 64 hex digits are an id.
"""

from __future__ import annotations

import re

_ID = re.compile(r"(?:sha256:)?(?P<long>[0-9a-f]{64})|(?P<short>[0-9a-f]{12})")
_REGISTRIES = ("index.docker.io/", "docker.io/")


def normal_name(name: str) -> str:
    """`name` as the server reads it, without Docker Hub's host: "Gemma3" -> "ai/gemma3:latest"."""
    name = name.strip()
    if not name or _ID.fullmatch(name):
        return name
    if name.startswith("hf.co/"):
        name = "huggingface.co/" + name.removeprefix("hf.co/")
    base, tag = _split_tag(name)
    base = _without_registry(base.lower())
    return f"{base if '/' in base else 'ai/' + base}:{tag or 'latest'}"


def same_model(one: str, other: str) -> bool:
    """Whether both spell the same model; ids match ids, in full or by their first 12 digits."""
    ids = _digits(one), _digits(other)
    if ids[0] and ids[1]:
        return ids[0].startswith(ids[1]) or ids[1].startswith(ids[0])
    return normal_name(one) == normal_name(other)


def short_name(name: str) -> str:
    """`name` as we print it, without `docker.io/` and `:latest`; what it names stays the same."""
    name = name.strip()
    base, tag = _split_tag(name)
    rest = _without_registry(base)
    short = rest if "/" in rest else base
    short = short if tag in ("", "latest") else f"{short}:{tag}"
    return short if normal_name(short) == normal_name(name) else name


def _split_tag(name: str) -> tuple[str, str]:
    colon = name.rfind(":")
    return (name[:colon], name[colon + 1 :]) if colon > name.rfind("/") else (name, "")


def _without_registry(base: str) -> str:
    registry = next((host for host in _REGISTRIES if base.startswith(host)), "")
    return base.removeprefix(registry)


def _digits(name: str) -> str:
    """The hex digits of an id, or of the digest behind an @; empty for other names."""
    found = _ID.fullmatch(name.strip().rpartition("@")[2])
    return (found["long"] or found["short"]) if found else ""
