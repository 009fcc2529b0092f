"""From paths to findings: what has no docstring, and where a docstring does not say what the code does."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from workflow_hub.config import Docstrings
from workflow_hub.errors import ConfigError, SourceRefused
from workflow_hub.report.finding import Finding, fingerprint
from workflow_hub.report.rules import RULES, Severity
from workflow_hub.source.calls import surroundings
from workflow_hub.source.changed import Changes
from workflow_hub.source.escapes import BUILTIN
from workflow_hub.source.facts import facts_of
from workflow_hub.source.files import Refusal, SourceFile
from workflow_hub.source.history import Commit, History
from workflow_hub.source.package import PackageIndex
from workflow_hub.source.symbols import Policies, Symbol, header_comments, symbols, wanted
from workflow_hub.tasks.docstrings import findings
from workflow_hub.tasks.docstrings.check import Fault, Kin, check
from workflow_hub.tasks.docstrings.find import opened, place_of, policies_of
from workflow_hub.tasks.docstrings.reading import Reading, read
from workflow_hub.tasks.docstrings.stale import Version, stale
from workflow_hub.values import Failed, Place, Skipped

# A comment on the line of `def` or `class`: `# workflow-hub: ignore[param-order, raises-missing]`.
_IGNORE = re.compile(r"#\s*workflow-hub:\s*ignore\b(?:\[([^\]]*)\])?")
# What has a docstring is held against its code, also where none would be asked for.
_DOCUMENTED = ("setters", "overrides", "dunders", "private", "nested")


@dataclass(frozen=True, slots=True)
class Judged:
    """A symbol that is to have a docstring, or has one, with what was found."""

    place: Place
    counts: bool
    documented: bool
    findings: tuple[Finding, ...]


Audited = Judged | Skipped[Place] | Failed[Place]


def audit(
    found: Iterable[Path | Refusal],
    folder: Path,
    settings: Docstrings,
    levels: Mapping[str, Severity | None],
    changes: Changes | None = None,
    past: History | None = None,
) -> Iterator[Audited]:
    """What can be said of each symbol without asking anybody; with `changes`, of those that changed.

    `levels` say how grave a rule is, and None that it is off. Without `past` nothing is said of what
    changed since a docstring was written.
    """
    index = PackageIndex(root=folder)
    for file in found if changes is None else changes.among(found):
        match opened(file, folder, changes):
            case SourceFile() as source:
                for one in _in_file(source, index, folder, settings, changes, past):
                    yield _weighed(one, levels) if isinstance(one, Judged) else one
            case refused:
                yield refused


def severities(settings: Docstrings, origin: Callable[[str], str]) -> dict[str, Severity | None]:
    """How grave each rule is by the settings, None where it is off; ConfigError for an unknown rule.

    `origin` says where a setting comes from.
    """
    for key, named in (("docstrings.rules", settings.rules), ("docstrings.max", settings.max)):
        if unknown := sorted(named.keys() - RULES.keys()):
            raise ConfigError(f"{origin(key)}: {key}: unknown rule {unknown[0]}; {_hint(unknown[0])}")
    levels: dict[str, Severity | None] = {rule.id: rule.severity for rule in RULES.values()}
    return levels | {name: None if level == "off" else level for name, level in settings.rules.items()}


def _hint(name: str) -> str:
    """What to write instead of a rule that does not exist."""
    near = difflib.get_close_matches(name, RULES, n=1)
    return f"did you mean {near[0]}?" if near else "see docs/docstring-rules.md"


def _weighed(judged: Judged, levels: Mapping[str, Severity | None]) -> Judged:
    weighed = ((one, levels[one.rule]) for one in judged.findings)
    left = tuple(replace(one, severity=level) for one, level in weighed if level is not None)
    return replace(judged, findings=left)


def _in_file(
    source: SourceFile,
    index: PackageIndex,
    folder: Path,
    settings: Docstrings,
    changes: Changes | None,
    past: History | None,
) -> Iterator[Audited]:
    for symbol in symbols(source):
        if changes is not None and not changes.touches(symbol):
            continue
        counts = wanted(symbol, settings.kinds, policies_of(settings), index) is None
        documented = bool(symbol.docstring and symbol.docstring.strip())
        if not counts and not (documented and is_judged(symbol, settings, index)):
            continue
        place = place_of(symbol, folder)
        try:
            faults = (
                tuple(_faults(symbol, index, place, settings, past))
                if documented
                else (findings.missing(symbol, place),)
            )
        except SourceRefused as error:
            yield Failed(place, error)
            continue
        off = ignored(symbol)
        unknown = (findings.no_rule(symbol, place, name, _hint(name)) for name in off if name not in RULES)
        left = tuple(one for one in (*faults, *unknown) if one.rule not in off)
        yield Judged(place, counts, documented, left)


def is_judged(symbol: Symbol, settings: Docstrings, index: PackageIndex) -> bool:
    """Whether a docstring that is there is held against its code."""
    policies = Policies(**dict.fromkeys(_DOCUMENTED, True), tests=settings.tests, stubs=settings.stubs)
    return wanted(symbol, settings.kinds, policies, index) is None


def _faults(
    symbol: Symbol, index: PackageIndex, place: Place, settings: Docstrings, past: History | None
) -> Iterator[Finding]:
    facts = facts_of(symbol, index, body_tokens=0, raises_through=settings.raises_through)
    reading = read(symbol.docstring or "")
    kin = kin_in(symbol, index)
    faults = list(check(symbol.node, facts, reading, kin, members_of(symbol, index)))
    if written := written_for(symbol, index, reading, past):
        commit, then, now = written
        faults += stale(then, now, reading, kin, str(commit))
    yield from (finding(symbol, place, fault) for fault in faults)


def written_for(
    symbol: Symbol, index: PackageIndex, reading: Reading, past: History | None
) -> tuple[Commit, Version, Version] | None:
    """The commit that last touched a docstring, the function that it was written for, and what that is now.

    None where there is no such commit, or nothing in the docstring that a change could make wrong.
    """
    # A summary alone seldom says anything that a change of the code makes wrong.
    tells = symbol.kind == "function" and (reading.sections or "`" in reading.prose)
    written = past.written(symbol) if past is not None and tells else None
    if written is None:
        return None
    commit, then = written
    return commit, _version(then, PackageIndex()), _version(symbol, index)


def _version(symbol: Symbol, index: PackageIndex) -> Version:
    """A function by itself: what it calls is not what it was then."""
    return Version(facts_of(symbol, index, body_tokens=0, raises_through=0), symbol.node)


def kin_in(symbol: Symbol, index: PackageIndex) -> Kin:
    """The names that an exception goes by where a symbol stands: its own and those of its bases."""
    scope = surroundings(symbol, index)

    def kin(name: str) -> Collection[str]:
        names = {one.rpartition(".")[2] for one in (name, *(scope.kin(name) or ()))}
        builtin = (BUILTIN[one].__mro__ for one in names & BUILTIN.keys())
        return names.union(base.__name__ for mro in builtin for base in mro)

    return kin


def members_of(symbol: Symbol, index: PackageIndex) -> Collection[str]:
    """The names that a class knows of itself."""
    return index.module_of(symbol.source).members.get(symbol.qualname, frozenset())


def finding(symbol: Symbol, place: Place, fault: Fault) -> Finding:
    """The fault at the line of the docstring that it is about, or else at that of the symbol."""
    line = place.line if fault.line is None else line_of(symbol, fault.line)
    lines = symbol.source.lines
    called = f"{symbol.kind} {place.name or place.path}"
    return Finding(
        fault.rule,
        RULES[fault.rule].severity,
        place.path,
        line,
        line,
        1 + len(lines[line - 1]) - len(lines[line - 1].lstrip()),
        f"the docstring of {called} {fault.says}",
        fingerprint(fault.rule, place.id, fault.content),
        evidence=fault.evidence,
        item=place.id,
        code="\n".join(lines[line - 1 : line - 1 + findings.LINES]),
    )


def line_of(symbol: Symbol, number: int) -> int:
    """The line of the file where that line of the cleaned docstring stands."""
    literal = symbol.node.body[0]
    written = (symbol.docstring or "").split("\n")
    above = next((at for at, line in enumerate(written) if line.strip()), 0)
    # A line end that is written as an escape is none in the file.
    return min(literal.lineno + above + number, literal.end_lineno or literal.lineno)


def ignored(symbol: Symbol) -> Collection[str]:
    """The rules that comments on the line of `def` switch off, as they are written there."""
    if "workflow-hub:" not in symbol.source.text:
        return ()
    named: dict[str, None] = {}
    for comment in header_comments(symbol):
        for said in _IGNORE.finditer(comment):
            rules = RULES if said[1] is None else (name.strip() for name in said[1].split(","))
            named |= dict.fromkeys(filter(None, rules))
    return named
