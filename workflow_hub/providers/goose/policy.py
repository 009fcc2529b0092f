"""Whether Goose may use a tool: a pure decision from the rules, the arguments, and where paths lead."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from fnmatch import fnmatchcase
from pathlib import Path

from workflow_hub.providers.goose.work import Answer, Approve, Rule, ToolRequest

SHELL = "shell"
# The tools that work on one path, and the argument that names it.
PATH_TOOLS: Mapping[str, str] = {
    "read": "path",
    "write": "path",
    "edit": "path",
    "tree": "path",
    "read_image": "source",
}
WRITES = frozenset({"write", "edit"})
# What is written there would be run later on, by git, without anybody being asked.
GIT = ".git"
# What makes more of a command than one program with its words.
SHELL_SIGNS = re.compile(r"[;&|<>()$`\\\n\r*?\[\]{}~!#]")
SCHEME = re.compile(r"[a-zA-Z][a-zA-Z0-9+.-]*:")
OUTSIDE = "the path leads out of the working folder"


class Decision(StrEnum):
    """What becomes of a tool call; ASK leaves it to the user."""

    ALLOW = "allow"
    REFUSE = "refuse"
    ASK = "ask"


@dataclass(frozen=True, slots=True)
class Verdict:
    """The decision, and the reason in a few words."""

    decision: Decision
    why: str


@dataclass(frozen=True, slots=True)
class Policy:
    """What is allowed below a folder. `rules` are the user's; they add to what `approve` allows."""

    folder: Path
    approve: Approve = Approve.LIST
    rules: tuple[Rule, ...] = field(default=())


def decide(request: ToolRequest, policy: Policy) -> Verdict:
    """Whether the tool may be used. Links and `..` are followed first, so paths are judged where they end."""
    if policy.approve is Approve.DENY:
        return Verdict(Decision.REFUSE, "every tool is refused (approve: deny)")
    for rule in policy.rules:
        if fits(rule, request, policy.folder):
            return Verdict(Decision.ALLOW, f"allowed by the rule {rule}")
    if policy.approve is Approve.ASK:
        return Verdict(Decision.ASK, "no rule allows it")
    if request.tool == SHELL:
        return Verdict(Decision.REFUSE, "no rule allows this command")
    if request.tool not in PATH_TOOLS:
        return Verdict(Decision.REFUSE, "no rule allows this tool")
    return _below(request, policy.folder)


def _below(request: ToolRequest, folder: Path) -> Verdict:
    """The default list: reading and writing below the working folder."""
    path = target(request, folder)
    if path is None:
        return Verdict(Decision.REFUSE, "it names no file")
    home = folder.resolve()
    if not path.is_relative_to(home):
        return Verdict(Decision.REFUSE, OUTSIDE)
    if request.tool in WRITES and GIT in (part.casefold() for part in path.relative_to(home).parts):
        return Verdict(Decision.REFUSE, "what git keeps for itself is not written to")
    return Verdict(Decision.ALLOW, "below the working folder")


def target(request: ToolRequest, folder: Path) -> Path | None:
    """Where the path of a file tool ends, all links followed; None where there is none, or it is a URL."""
    named = request.arguments.get(PATH_TOOLS.get(request.tool, ""))
    if not isinstance(named, str) or not named or "\0" in named or named.startswith("~"):
        return None
    if SCHEME.match(named) and not (folder / named).exists():
        return None
    try:
        return (folder / named).resolve()
    except (OSError, RuntimeError):  # links in a circle
        return None


def fits(rule: Rule, request: ToolRequest, folder: Path) -> bool:
    """Whether the rule allows this use of the tool."""
    if not _tool_fits(rule.tool, request.tool):
        return False
    if rule.pattern is None:
        return True
    if request.tool == SHELL:
        command = request.arguments.get("command")
        return isinstance(command, str) and _command_fits(rule.pattern, command)
    path = target(request, folder)
    return path is not None and _path_fits(rule.pattern, path, folder.resolve())


def _tool_fits(wanted: str, tool: str) -> bool:
    server = wanted.removesuffix("*")
    return tool == wanted or (server != wanted and server.endswith("__") and tool.startswith(server))


def answered(answer: Answer, request: ToolRequest, policy: Policy) -> Policy:
    """The policy after the user's answer: for the session means this command, or this tool in the folder."""
    if answer is not Answer.SESSION:
        return policy
    pattern = None
    if request.tool == SHELL:
        pattern = str(request.arguments.get("command", ""))
    elif request.tool in PATH_TOOLS:
        pattern = "**"
    rules = (*policy.rules, Rule(request.tool, pattern))
    return Policy(policy.folder, policy.approve, rules)


def _command_fits(pattern: str, command: str) -> bool:
    if command == pattern:
        return True
    if SHELL_SIGNS.search(command):
        return False
    try:
        wanted, said = shlex.split(pattern), shlex.split(command)
    except ValueError:  # an open quote
        return False
    if not said or "=" in said[0]:  # a variable in front can make any program another one
        return False
    if wanted[-1:] == ["*"]:
        wanted.pop()
        said = said[: len(wanted)] if len(said) >= len(wanted) else said
    return len(wanted) == len(said) and all(map(_word_fits, said, wanted))


def _word_fits(word: str, pattern: str) -> bool:
    return fnmatchcase(word, pattern)


def _path_fits(pattern: str, path: Path, folder: Path) -> bool:
    if Path(pattern).is_absolute():
        return _parts_fit(path.parts, Path(pattern).parts)
    return path.is_relative_to(folder) and _parts_fit(path.relative_to(folder).parts, Path(pattern).parts)


def _parts_fit(parts: Iterable[str], patterns: Iterable[str]) -> bool:
    parts, patterns = tuple(parts), tuple(patterns)
    if not patterns:
        return not parts
    first, *rest = patterns
    if first == "**":
        return any(_parts_fit(parts[start:], rest) for start in range(len(parts) + 1))
    return bool(parts) and fnmatchcase(parts[0], first) and _parts_fit(parts[1:], rest)
