"""Docstrings put into source text byte by byte."""

from __future__ import annotations

import ast
import bisect
import difflib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from workflow_hub.errors import SourceRefused
from workflow_hub.source.files import SourceFile, parse_source
from workflow_hub.source.literal import LINE_END, UNSEEN, WIDTH, asked, clean, escaped, literal
from workflow_hub.source.proof import Proof, Range, prove
from workflow_hub.source.symbols import Node, Symbol

# A backslash before a line end takes it out of the text.
_ESCAPE_OR_LINE_END = re.compile(r"\\(?:\r\n|.)|\r\n|\r|\n", re.DOTALL)
_BLANKS = re.compile(r"[ \t\f]*")
_BLANK_LINE = re.compile(r"[ \t\f]*(?:\r\n|\r|\n|\Z)")
_REST_OF_HEADER = re.compile(r"[ \t\f]*(?:#[^\r\n]*)?(\r\n|\r|\n)")
_UP_TO_COLON = re.compile(r"(?:[^#:]|#[^\r\n]*)*:")
_LEADING_COMMENTS = re.compile(r"(?:[ \t\f]*(?:\r\n|\r|\n))*(?:[ \t\f]*#[^\r\n]*(?:\r\n|\r|\n|\Z))+")
_TRIPLE = re.compile(r"([rRuU]?)(\"\"\"|''')((?:\\.|(?!\2)[^\\])*)\2", re.DOTALL)
_SINGLE = re.compile(r"[rRuU]?(\"|')(?:\\.|(?!\1)[^\\])*\1", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Edit:
    """The text that stands for characters `start:end` of the old text."""

    start: int
    end: int
    text: str


@dataclass(frozen=True)
class Spliced:
    """The new bytes, what changed, whose docstrings are in them and how, and whose are not and why."""

    data: bytes = field(repr=False)
    ranges: tuple[Range, ...]
    written: tuple[tuple[Symbol, tuple[Edit, ...]], ...]
    refused: tuple[tuple[Symbol, SourceRefused], ...]
    proof: Proof


@dataclass(frozen=True, slots=True)
class _Plan:
    symbol: Symbol
    text: str
    edits: tuple[Edit, ...]


def splice(source: SourceFile, docstrings: Iterable[tuple[Symbol, str]], *, width: int = WIDTH) -> Spliced:
    """The file with these cleaned texts as the docstrings of its symbols, proven.

    A symbol that has a docstring keeps its literal where the new text only adds lines, otherwise
    the literal is replaced; what already reads as asked stays. A symbol that cannot be done is
    among the refused, with the reason; the others are done.
    """
    page = _Page(source)
    plans: list[_Plan] = []
    refused: list[tuple[Symbol, SourceRefused]] = []
    for symbol, text in docstrings:
        try:
            plans.append(_Plan(symbol, text, page.edits(symbol, text, width)))
        except SourceRefused as error:
            refused.append((symbol, error))
    try:
        return _finished(source, plans, refused)
    except SourceRefused:
        done, failed = _proven(source, [], plans)
        return _finished(source, done, [*refused, *failed])


def _finished(source: SourceFile, plans: list[_Plan], refused: list[tuple[Symbol, SourceRefused]]) -> Spliced:
    data, ranges = _apply(source, plans)
    proof = prove(source, data, ranges, [(plan.symbol, plan.text) for plan in plans])
    return Spliced(data, ranges, tuple((plan.symbol, plan.edits) for plan in plans), tuple(refused), proof)


class _Page:
    """The places of a file: from what `ast` says, in UTF-8 bytes of a line, to characters of the text."""

    def __init__(self, source: SourceFile) -> None:
        self.source = source
        self.text = source.text
        self.starts = source.starts

    def edits(self, symbol: Symbol, text: str, width: int) -> tuple[Edit, ...]:
        """What makes `text` the docstring of the symbol; nothing where it is already."""
        node = symbol.node
        statement = node.body[0] if node.body else None
        if isinstance(statement, ast.Expr) and _is_text(statement.value):
            edits = self._rewritten(node, statement, text, width)
        elif isinstance(node, ast.Module):
            edits = (self._in_module(text, width),)
        else:
            edits = (self._in_body(node, text, width),)
        for edit in edits:
            try:
                edit.text.encode(self.source.encoding)
            except UnicodeEncodeError as error:
                letter = ascii(error.object[error.start])
                raise SourceRefused(f"{letter} cannot be written in {self.source.encoding}") from error
        return edits

    def offset(self, line: int, column: int) -> int:
        start = self.starts[line - 1]
        return start + len(self.source.lines[line - 1].encode()[:column].decode())

    def start_of(self, node: ast.stmt | ast.expr) -> int:
        return self.offset(node.lineno, node.col_offset)

    def end_of(self, node: ast.stmt | ast.expr | ast.arg | ast.keyword) -> int:
        assert node.end_lineno is not None
        assert node.end_col_offset is not None
        return self.offset(node.end_lineno, node.end_col_offset)

    def newline_at(self, place: int) -> str:
        """How the line at `place` ends; the last line goes by the one above it."""
        number = bisect.bisect_right(self.starts, place)
        number = min(number, len(self.starts) - 1)
        end = LINE_END.search(self.text, self.starts[max(number - 1, 0)])
        return end.group() if end else "\n"

    def indentation(self, place: int) -> str:
        """What indents the statement at `place`, also where the line above only continues it."""
        number = bisect.bisect_right(self.starts, place) - 1
        while number and self.source.lines[number - 1].strip(" \t\f") == "\\":
            number -= 1
        blanks = _BLANKS.match(self.text, self.starts[number])
        assert blanks is not None
        # A form feed sets the column back to the start.
        return blanks.group().rpartition("\f")[2]

    def step(self) -> str:
        """One level of indentation, as the first block of the file has it."""
        for node in self.source.tree.body:
            inner = getattr(node, "body", None)
            if isinstance(inner, list) and inner[0].lineno > node.lineno:
                found = self.indentation(self.start_of(inner[0]))
                if found:
                    return found
        return "    "

    def _in_module(self, text: str, width: int) -> Edit:
        comments = _LEADING_COMMENTS.match(self.text)
        place = comments.end() if comments else 0
        newline = self.newline_at(max(place - 1, 0))
        before = newline if place and self.text[place - 1] not in "\r\n" else ""
        after = newline if _BLANK_LINE.match(self.text, place) else newline * 2
        return Edit(place, place, before + literal(text, indent="", newline=newline, width=width) + after)

    def _in_body(
        self, node: ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef, text: str, width: int
    ) -> Edit:
        colon = _UP_TO_COLON.match(self.text, self._end_of_header(node))
        assert colon is not None
        place = colon.end()
        newline = self.newline_at(place)
        rest = _REST_OF_HEADER.match(self.text, place)
        if rest:
            place = rest.end()
            indent = self.indentation(self.start_of(node.body[0]))
            inserted = indent + literal(text, indent=indent, newline=newline, width=width) + newline
            needs_gap = isinstance(node, ast.ClassDef) and not _BLANK_LINE.match(self.text, place)
            return Edit(place, place, inserted + (newline if needs_gap else ""))
        blanks = self.text[place : self.start_of(node.body[0])]
        indent = self._indent_of_opened(node, blanks)
        gap = newline if isinstance(node, ast.ClassDef) else ""
        inserted = (
            newline + indent + literal(text, indent=indent, newline=newline, width=width) + newline + gap
        )
        # The blanks after the colon become the end of the indentation of what followed them.
        return Edit(place, place, inserted + indent.removesuffix(blanks))

    def _indent_of_opened(self, node: ast.stmt, blanks: str) -> str:
        if blanks.strip(" \t"):
            raise SourceRefused(
                "the one-line body stands after a continued line; put it on a line of its own"
            )
        outer, step = self.indentation(self.start_of(node)), self.step()
        if (outer + step).endswith(blanks):
            return outer + step
        if "\t" in outer + step + blanks:
            raise SourceRefused("the one-line body mixes blanks and tabs; put it on a line of its own")
        return outer + blanks

    def _end_of_header(self, node: ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) -> int:
        """Where the last expression before the body ends; from there on `:` is the colon or in a comment."""
        parts: list[ast.expr | ast.arg | ast.keyword | None] = list(getattr(node, "type_params", ()))
        if isinstance(node, ast.ClassDef):
            parts += [*node.bases, *node.keywords]
        else:
            given = node.args
            parts += [*given.posonlyargs, *given.args, given.vararg, *given.kwonlyargs, given.kwarg]
            parts += [*given.defaults, *given.kw_defaults, node.returns]
        return max((self.end_of(part) for part in parts if part), default=self.start_of(node))

    def _rewritten(self, node: Node, statement: ast.Expr, text: str, width: int) -> tuple[Edit, ...]:
        constant = statement.value
        assert isinstance(constant, ast.Constant)
        assert isinstance(constant.value, str)
        start, end = self.start_of(constant), self.end_of(constant)
        text = asked(text)
        if clean(constant.value) == text:
            return ()
        written = self.text[start:end]
        newline = (LINE_END.search(written) or [self.newline_at(start)])[0]
        begin = self.start_of(statement)
        stands_alone = not self.text[self.starts[statement.lineno - 1] : begin].strip(" \t\f")
        indent = self.indentation(begin) + ("" if stands_alone else self.step())
        triple = _TRIPLE.fullmatch(written)
        if triple:
            for way in (_amended, _relined):
                edits = way(triple, constant.value, text, indent, newline)
                if edits is not None and _reads(written, edits) == text:
                    return tuple(Edit(start + one.start, start + one.end, one.text) for one in edits)
        elif not _SINGLE.fullmatch(written):
            raise SourceRefused("the docstring is joined from several literals; make it one")
        return (Edit(start, end, literal(text, indent=indent, newline=newline, width=width)),)


def _amended(
    triple: re.Match[str], value: str, text: str, indent: str, newline: str
) -> tuple[Edit, ...] | None:
    """Insertions that bring `text` into the literal that `triple` matched, None where it takes more."""
    raw, quotes = triple[1] in {"r", "R"}, triple[2]
    starts, stops = _lines_of(triple)
    values = value.split("\n")
    old, new = clean(value).split("\n"), text.split("\n")
    gaps = _added(old, new)
    if gaps is None or len(values) != len(starts) or not old[0]:
        return None
    # The first line of the cleaned text is this line of the literal.
    top = next(number for number, line in enumerate(values) if line.strip())
    margin = _margin([triple[0][start:stop] for start, stop in zip(starts, stops, strict=True)], indent)
    edits = []
    for index, lines in gaps:
        shown = "\n".join(lines)
        if raw and (UNSEEN.search(shown) or quotes in shown):
            return None
        lines = shown.split("\n") if raw else escaped(shown, quotes).split("\n")
        lines = [margin + line if line else "" for line in lines]
        if index:
            place = stops[top + index - 1]
            inserted = "".join(newline + line for line in lines)
            inserted += newline + indent if place == triple.end(3) else ""
        elif top:
            place = starts[top]
            inserted = "".join(line + newline for line in lines)
        else:
            place = starts[0]
            inserted = newline.join([*lines, margin]).removeprefix(margin)
        edits.append(Edit(place, place, inserted))
    return tuple(edits)


def _relined(
    triple: re.Match[str], value: str, text: str, indent: str, newline: str
) -> tuple[Edit, ...] | None:
    """Edits of whole lines that bring `text` into the literal, None where the first one changes.

    A line that only moves keeps the bytes that it was written with.
    """
    raw, quotes = triple[1] in {"r", "R"}, triple[2]
    starts, stops = _lines_of(triple)
    values = value.split("\n")
    old, new = clean(value).split("\n"), text.split("\n")
    if len(values) != len(starts) or not old[0] or old[0] != new[0]:
        return None
    top = next(number for number, line in enumerate(values) if line.strip())
    bodies = [triple[0][start:stop] for start, stop in zip(starts, stops, strict=True)]
    margin = _margin(bodies, indent)
    written = dict(zip(old[1:], bodies[top + 1 :], strict=False))
    edits = []
    for kind, i1, i2, j1, j2 in difflib.SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if kind == "equal":
            continue
        fresh = [line for line in new[j1:j2] if line not in written]
        if raw and any(UNSEEN.search(line) or quotes in line for line in fresh):
            return None
        made = [
            written.get(line) or (line and margin + (line if raw else escaped(line, quotes)))
            for line in new[j1:j2]
        ]
        place = Edit(stops[top + i1 - 1], stops[top + i2 - 1], "".join(newline + line for line in made))
        edits.append(place)
    return tuple(edits)


def _lines_of(triple: re.Match[str]) -> tuple[list[int], list[int]]:
    """Where the lines between the quotes begin and end, as they are written."""
    within = LINE_END if triple[1] in {"r", "R"} else _ESCAPE_OR_LINE_END
    ends = [
        end
        for end in within.finditer(triple[0], triple.start(3), triple.end(3))
        if not end[0].startswith("\\")
    ]
    return [triple.start(3), *(end.end() for end in ends)], [*(end.start() for end in ends), triple.end(3)]


def _margin(bodies: Sequence[str], indent: str) -> str:
    """What indents the lines of a docstring, its first one aside."""
    margins = [body[: len(body) - len(body.lstrip())] for body in bodies[1:] if body.strip()]
    return min(margins, key=len, default=indent)


def _added(old: Sequence[str], new: Sequence[str]) -> list[tuple[int, list[str]]] | None:
    """The lines that come before `old[index]`, by index, to make it `new`; None where lines go away."""
    gaps: dict[int, list[str]] = {}
    index = 0
    for line in new:
        if index < len(old) and old[index] == line:
            index += 1
        else:
            gaps.setdefault(index, []).append(line)
    return sorted(gaps.items()) if index == len(old) else None


def _reads(written: str, edits: Iterable[Edit]) -> str:
    """What the literal says, cleaned, once it is edited."""
    for edit in reversed(tuple(edits)):
        written = written[: edit.start] + edit.text + written[edit.end :]
    tree = parse_source(Path("docstring"), written.encode()).tree
    return clean(ast.get_docstring(tree, clean=False) or "")


def _proven(
    source: SourceFile, done: list[_Plan], plans: list[_Plan]
) -> tuple[list[_Plan], list[tuple[Symbol, SourceRefused]]]:
    """`done` with those of `plans` whose proof holds on top of it, and the others with the reason."""
    both = [*done, *plans]
    try:
        prove(source, *_apply(source, both), [(plan.symbol, plan.text) for plan in both])
        return both, []
    except SourceRefused as error:
        if len(plans) <= 1:
            return done, [(plan.symbol, error) for plan in plans]
    half = len(plans) // 2
    done, early = _proven(source, done, plans[:half])
    done, late = _proven(source, done, plans[half:])
    return done, early + late


def _apply(source: SourceFile, plans: Iterable[_Plan]) -> tuple[bytes, tuple[Range, ...]]:
    edits = sorted((edit for plan in plans for edit in plan.edits), key=lambda edit: (edit.start, edit.end))
    mark, codec = (source.data[:3], "utf-8") if source.encoding == "utf-8-sig" else (b"", source.encoding)
    pieces, ranges = [mark], []
    read, old_size, new_size = 0, len(mark), len(mark)
    for edit in edits:
        kept = source.text[read : edit.start].encode(codec)
        removed, added = source.text[edit.start : edit.end].encode(codec), edit.text.encode(codec)
        old_size, new_size = old_size + len(kept), new_size + len(kept)
        ranges.append(Range(old_size, old_size + len(removed), new_size, new_size + len(added)))
        old_size, new_size = old_size + len(removed), new_size + len(added)
        pieces += [kept, added]
        read = edit.end
    pieces.append(source.text[read:].encode(codec))
    return b"".join(pieces), tuple(ranges)


def _is_text(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, str)
