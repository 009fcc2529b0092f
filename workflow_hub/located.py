"""YAML and TOML read together with the line of every key, in YAML its column too, to name a fault by.

YAML is read with the C loader where there is one. What a configuration file never needs is
refused: aliases (a file of one kilobyte can grow to gigabytes through them), duplicate keys,
tags, and more than a megabyte.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from workflow_hub.errors import ConfigError

LIMIT_BYTES = 1 << 20
DEEPEST = 64

Key = tuple[str | int, ...]
Fault = Callable[..., ConfigError]
_Loader: type[Any] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(frozen=True, slots=True)
class Located:
    """A document and the 1-based line of each of its keys: `lines[("rules", 0, "use")]`.

    YAML has the columns, too, in characters from 1.
    """

    value: Any
    lines: Mapping[Key, int]
    path: Path
    columns: Mapping[Key, int] = field(default_factory=dict)

    def line(self, key: Key) -> int | None:
        """The line of `key`, or that of the nearest parent that has one."""
        return self.lines.get(self._nearest(key))

    def column(self, key: Key) -> int | None:
        """The column of `key`, or that of the parent whose line `line` tells."""
        return self.columns.get(self._nearest(key))

    def _nearest(self, key: Key) -> Key:
        while key and key not in self.lines:
            key = key[:-1]
        return key


class Misplaced(ValueError):
    """What is wrong in a text, and where: 1-based, None where the parser does not say."""

    def __init__(self, message: str, line: int | None = None, column: int | None = None) -> None:
        super().__init__(message)
        self.line = line
        self.column = column


def read_text(path: Path, fault: Fault = ConfigError, *, limit_bytes: int = LIMIT_BYTES) -> str:
    """The file's text; raises `fault` where it cannot be read, is not UTF-8, or is huge."""
    try:
        with path.open("rb") as file:
            data = file.read(limit_bytes + 1)
    except OSError as error:
        raise fault(f"cannot be read: {error.strerror}", path=path) from error
    if len(data) > limit_bytes:
        size = f"{limit_bytes >> 20} MiB" if limit_bytes >> 20 else f"{limit_bytes >> 10} KiB"
        raise fault(f"is larger than {size}; is it the right file?", path=path)
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise fault("is not UTF-8; save it as UTF-8", path=path, line=line) from error


def read_yaml(text: str, path: Path, *, fault: Fault = ConfigError, first_line: int = 1) -> Located:
    """The YAML document in `text`, plain values only; raises `fault` with its line for whatever is wrong."""
    try:
        return parse_yaml(text, path, first_line=first_line)
    except Misplaced as error:
        raise fault(str(error), path=path, line=error.line) from error


def parse_yaml(text: str, path: Path, *, first_line: int = 1) -> Located:
    """The same, with a Misplaced for a fault. `first_line` is where `text` begins in `path`."""
    lines: dict[Key, int] = {}
    columns: dict[Key, int] = {}

    def place(mark: yaml.Mark) -> tuple[int, int]:
        return mark.line + first_line, mark.column + 1

    def note(key: Key, node: yaml.Node) -> None:
        lines[key], columns[key] = place(node.start_mark)

    def build(node: yaml.Node, key: Key) -> Any:
        if len(key) > DEEPEST:
            raise Misplaced("is nested too deeply", *place(node.start_mark))
        if key not in lines:
            note(key, node)
        if isinstance(node, yaml.MappingNode):
            return mapping(node, key)
        if isinstance(node, yaml.SequenceNode):
            return [build(item, (*key, place)) for place, item in enumerate(node.value)]
        return scalar(node)

    def mapping(node: yaml.MappingNode, key: Key) -> dict[str, Any]:
        built: dict[str, Any] = {}
        for name_node, value_node in node.value:
            name = scalar(name_node) if isinstance(name_node, yaml.ScalarNode) else None
            if not isinstance(name, str):
                raise Misplaced("a key must be text; put it in quotes", *place(name_node.start_mark))
            if name in built:
                raise Misplaced(f"{name} stands here a second time", *place(name_node.start_mark))
            note((*key, name), name_node)
            built[name] = build(value_node, (*key, name))
        return built

    def scalar(node: yaml.Node) -> Any:
        try:
            return _plain(node)
        except (yaml.YAMLError, ValueError) as error:
            raise Misplaced(f"{node.value!r} is not a plain value", *place(node.start_mark)) from error

    try:
        for token in yaml.scan(text, Loader=_Loader):
            if isinstance(token, yaml.AliasToken | yaml.AnchorToken | yaml.TagToken):
                where = place(token.start_mark)
                raise Misplaced("aliases, anchors and tags are not taken; write the value out", *where)
        root = yaml.compose(text, Loader=_Loader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line, column = place(mark) if mark else (None, None)
        raise Misplaced(f"is not YAML: {error.problem or error.context}", line, column) from error
    except (yaml.YAMLError, RecursionError) as error:
        reason = str(error).splitlines()[0] if str(error) else "nested too deeply"
        raise Misplaced(f"is not YAML: {reason}") from error
    return Located({} if root is None else build(root, ()), lines, path, columns)


def _plain(node: yaml.Node) -> Any:
    constructor = yaml.constructor.SafeConstructor()
    return constructor.construct_object(node)


def read_toml(text: str, path: Path, *, fault: Fault = ConfigError) -> Located:
    """The TOML document in `text`, with the lines of the keys that stand at a line's beginning."""
    try:
        value = tomllib.loads(text)
    except RecursionError as error:
        raise fault("is nested too deeply", path=path) from error
    except ValueError as error:  # TOMLDecodeError, and Python's own for a number of 5,000 digits
        found = re.search(r"line (\d+)", str(error))
        raise fault(f"is not TOML: {error}", path=path, line=int(found[1]) if found else None) from error
    return Located(value, _toml_lines(text), path)


_TABLE = re.compile(r"\s*\[\[?([^\[\]]+)\]\]?\s*(?:#.*)?$")
_ASSIGNMENT = re.compile(r"\s*((?:[\w-]+|\"[^\"]*\"|'[^']*')(?:\s*\.\s*(?:[\w-]+|\"[^\"]*\"|'[^']*'))*)\s*=")


def _toml_lines(text: str) -> dict[Key, int]:
    lines: dict[Key, int] = {}
    table: Key = ()
    for number, line in enumerate(text.split("\n"), start=1):
        if header := _TABLE.match(line):
            table = _toml_key(header[1])
            lines.setdefault(table, number)
        elif assignment := _ASSIGNMENT.match(line):
            lines.setdefault((*table, *_toml_key(assignment[1])), number)
    return lines


def _toml_key(dotted: str) -> Key:
    return tuple(part.strip().strip("\"'") for part in dotted.split("."))
