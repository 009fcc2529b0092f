"""What changed in a file, as a patch that git takes."""

from __future__ import annotations

import difflib
import re


def unified_patch(path_shown: str, before: bytes, after: bytes) -> bytes:
    """A patch as `git diff` prints it and `git apply` takes it; empty where nothing differs.

    `path_shown` is seen from the top folder of the repository, wherever in it the patch is applied:
    git takes the paths of its own format so, and outside of a repository from the current folder.
    Lines end with `\\n` alone, so that a `\\r` and bytes of any encoding pass through.
    """
    if before == after:
        return b""
    old, new = _byte_lines(before), _byte_lines(after)
    name = path_shown.encode("utf-8", "surrogateescape")
    old_name, new_name = _quoted(b"a/" + name), _quoted(b"b/" + name)
    tab = b"\t" if b" " in name else b""
    patch = [b"diff --git %s %s\n--- %s%s\n+++ %s%s\n" % (old_name, new_name, old_name, tab, new_name, tab)]
    for group in difflib.SequenceMatcher(None, old, new).get_grouped_opcodes(3):
        (_, old_start, _, new_start, _), (_, _, old_end, _, new_end) = group[0], group[-1]
        patch.append(b"@@ -%s +%s @@\n" % (_span(old_start, old_end), _span(new_start, new_end)))
        for kind, i1, i2, j1, j2 in group:
            if kind == "equal":
                patch += [_patch_line(b" ", line) for line in old[i1:i2]]
            else:
                patch += [_patch_line(b"-", line) for line in old[i1:i2]]
                patch += [_patch_line(b"+", line) for line in new[j1:j2]]
    return b"".join(patch)


def _byte_lines(data: bytes) -> list[bytes]:
    return re.findall(rb"[^\n]*\n|[^\n]+", data)


def _span(start: int, end: int) -> bytes:
    # An empty span is named by the line before it, a single line without its length.
    length = end - start
    return b"%d" % (start + 1) if length == 1 else b"%d,%d" % (start + bool(length), length)


def _patch_line(sign: bytes, line: bytes) -> bytes:
    return sign + line if line.endswith(b"\n") else sign + line + b"\n\\ No newline at end of file\n"


def _quoted(name: bytes) -> bytes:
    """The name as git shows it with `core.quotePath`: in quotes where a byte is not plain ASCII."""
    named = dict(zip(b'\a\b\t\n\v\f\r"\\', b'abtnvfr"\\', strict=True))
    shown = b"".join(
        b"\\%c" % named[byte] if byte in named else b"%c" % byte if 32 <= byte < 127 else b"\\%03o" % byte
        for byte in name
    )
    return name if shown == name else b'"%s"' % shown
