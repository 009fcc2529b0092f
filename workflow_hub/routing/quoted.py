"""What a prompt quotes (code, logs, diffs, another person's words) is material, not a request."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import cache

MASK = "\ufffc"  # stands for one character of quoted matter; no letter, no space

# A file or folder: what a quotation of one token, or a word of a sentence, can name.
FOLDERS = (
    "src|lib|app|apps|api|tests?|docs?|assets|data|scripts|config|pkg|cmd|internal|packages|logs|locale|build"
)
ENDINGS = (
    "py|pyi|ipynb|js|jsx|mjs|ts|tsx|vue|html?|css|scss|json|jsonl|ya?ml|toml|ini|cfg|conf|env|lock|md|rst|txt|csv|tsv"
    "|xml|sql|sh|bash|ps1|bat|c|h|cc|cpp|hpp|cs|go|rs|java|kt|rb|php|swift|scala|lua|pl|ex|hs|tf|proto|log|pdf|docx?"
    "|xlsx?|png|jpe?g|svg|gif|zip|tar|gz|db|sqlite3?|pyc|dockerfile|gradle|properties|service|patch|diff"
)
PRODUCTS = "node|next|vue|react|express|three|d3|nuxt|chart|ember|backbone|discord|asp|socket|moment|p5"
PATH = (
    rf"(?<![\w@./\\*-])(?!(?:{PRODUCTS})\.(?:js|net|io)\b)(?:"
    rf"(?:~|\.{{1,2}})?/?(?:[\w.+@-]+[/\\])*[\w.+-]*\w\.(?:{ENDINGS})(?![\w/])"  # a name with a known ending
    rf"|(?:~|\.{{1,2}})/[\w./+-]+"  # ./x, ../x, ~/x
    rf"|(?:{FOLDERS})/[\w./+-]*"  # a folder that projects have
    r"|[\w+-]{2,}(?:/[\w.+-]+)*/(?![\w/])"  # a name with a slash at its end
    r"|\.(?:gitignore|dockerignore|env|editorconfig|gitattributes|pre-commit-config|bashrc|zshrc|npmrc)\b"
    r")"
)


@cache
def path_pattern() -> re.Pattern[str]:
    """Finds file and folder names in lower-case text, of ASCII letters: Chinese around them is no part."""
    return re.compile(PATH, re.ASCII)


FENCE = re.compile(r" {0,3}(?:[-*+] |\d{1,3}[.)] )?[ \t]*(`{3,}|~{3,})")
FENCE_MARK = re.compile(r"[`~]{3}")
LOG = re.compile(
    r"""(?:
        \[?\d{4}-\d\d-\d\d[T\ ]\d\d:\d\d          # 2024-03-01 12:00
      | \[?\d\d:\d\d:\d\d
      | (?:\[\s*)?(?:TRACE|DEBUG|INFO|WARN|WARNING|ERROR|FATAL|CRITICAL)\b
      | (?:npm|yarn|pnpm)\ (?:ERR!|WARN|error|warn)
      | Traceback\ \(most\ recent
      | File\ "[^"\n]*",\ line\ \d
      | at\ [\w.$<>]+\(
      | [\w.]*(?:Error|Exception|Warning)(?::|$)
      | E\ {3}\S
      | [=_-]{3,}
      | (?:FAILED|PASSED|ok|not\ ok)\ \S+(?:::|\ -)
      | [\w./\\-]+:\d+(?::\d+)?:
    )""",
    re.VERBOSE,
)
CODE = re.compile(
    r"""(?:
        (?:async\ )?def\ \w+\s*\(
      | class\ \w+\s*[(:{]
      | import\ [\w.]+(?:\ as\ \w+)?\s*$ | from\ [\w.]+\ import\b
      | (?:if|elif|while|with)\ .*[=<>(\[].*:$ | for\ \w+(?:,\ ?\w+)*\ in\ \S+:$
      | (?:else|try|finally):$ | except\b.*:$ | return\b
      | @\w[\w.]*(?:\(.*)?$ | \#include\b | \#!/
      | (?:export\ )?(?:public|private|protected|static|function|const|let|var|func|struct)\ \w.*[=({;]
      | [\w.\[\]]+\ [-+*/]?=\ \S
      | [\w.]+\([^)]*\);?\s*$
      | [{}\[\])]+[;,]?$ | [{\[]["'{\[]
      | </?[a-z][^>]*>
      | SELECT\ | INSERT\ INTO\ | UPDATE\ \w+\ SET\ | CREATE\ TABLE\b
    )""",
    re.VERBOSE,
)
CODE_END = (";", "{", "=>", "\\")
DIFF_START = ("diff --git ", "--- ", "+++ ", "@@ ")
TRANSCRIPT = ("$ ", ">>> ", "PS C:", "C:\\>", "# apt", "❯ ")
LISTED = re.compile(r"\s*(?:[-*+•]|\d{1,3}[.)])\s")
# Each begins with its mark, so that a search leaps from mark to mark.
INLINE = re.compile(
    r"""
      `(?<!``)(?P<more>`{0,3})(?!`)(?P<code>[^`\n]+)`(?P=more)
    | "(?P<double>[^"\n]*)"
    | „(?P<low>[^„“”"\n]*)[“”"]
    | “(?P<high>[^“”\n]*)”
    | «(?P<angle>[^«»\n]*)»
    | 「(?P<corner>[^「」\n]*)」
    | 『(?P<hollow>[^『』\n]*)』
    | '(?<!\w')(?P<single>[^'\n]+)'(?!\w)
    """,
    re.VERBOSE,
)
KEPT_CHARACTERS = 200  # a longer quotation is no file name


def masked(text: str) -> str:
    """`text` with every quoted character replaced by MASK, same length, line breaks kept.

    Quoted: fenced and indented blocks, block quotes, lines of code, logs, tracebacks, diffs and
    terminal transcripts, inline code and quotation marks. A quotation that is one file name stays,
    without its marks: it says what a request is about. Linear in the length of the text.
    """
    return _covered(_lines(text))


def _covered(lines: Iterable[tuple[str, bool]]) -> str:
    return "".join(_cover(line) if quoted else _inline(line) for line, quoted in lines)


def masked_ends(text: str, edge: int) -> tuple[tuple[int, str], ...]:
    """Where the pieces that are worth reading begin, and the pieces, masked; they do not overlap.

    A text of up to two edges is one piece. Of a longer one the first `edge` characters are one, less
    a word that is cut, and the last ones another, from the start of their line if that is near.
    Whether that line is in a fence is known; of other blocks, what its own lines show.
    """
    if len(text) <= 2 * edge:
        return ((0, masked(text)),)
    head = max(text.rfind(" ", edge // 2, edge), text.rfind("\n", edge // 2, edge)) + 1 or edge
    tail = len(text) - edge
    line = text.rfind("\n", max(head, tail - edge), tail) + 1
    begun = line or text.find(" ", tail, tail + edge // 2) + 1 or tail
    lines = _lines(text[begun:], _fence_before(text, begun))
    return ((0, masked(text[:head])), (begun, _covered(lines)))


def _fence_before(text: str, end: int) -> str:
    """The fence that is open at `end`, where a line begins; "" for none."""
    fence = ""
    at = 0
    while mark := FENCE_MARK.search(text, at, end):
        at = text.find("\n", mark.start(), end) + 1 or end
        fence = _fence_after(text[text.rfind("\n", 0, mark.start()) + 1 : at], fence)
    return fence


def _cover(line: str) -> str:
    body = line.rstrip("\r\n")
    return MASK * len(body) + line[len(body) :]


def _inline(line: str) -> str:
    return INLINE.sub(_covered_span, line)


def _covered_span(match: re.Match[str]) -> str:
    whole = match.group()
    group = match.lastgroup
    inner = match.group(group) if group else ""
    if inner and len(inner) < KEPT_CHARACTERS and path_pattern().fullmatch(inner.lower()):
        before = match.start(group or 0) - match.start()
        return " " * before + inner + " " * (len(whole) - before - len(inner))
    return MASK * len(whole)


def _lines(text: str, fence: str = "") -> Iterator[tuple[str, bool]]:
    """Every line with its break, and whether all of it is quoted; `fence` is open before the first."""
    block = ""  # "code", "log", "diff", "shell" or "quote" while such a block goes on
    blank = True  # whether the line before was empty, or the first
    for line in text.splitlines(keepends=True):
        within, fence = fence, _fence_after(line, fence)
        if within or fence:
            block = ""
            yield line, True
            continue
        bare = line.strip()
        block = _block(line, bare, block, blank)
        yield line, bool(block)
        blank = not bare


def _fence_after(line: str, fence: str) -> str:
    """The fence that is open after `line`, by the one that is open before it; "" for none."""
    if fence:
        bare = line.strip()
        return "" if bare.startswith(fence) and not bare.strip(fence[0]) else fence
    if "```" not in line and "~~~" not in line:
        return ""
    opened = FENCE.match(line)
    if not opened or (opened.group(1)[0] == "`" and "`" in line[opened.end() :]):  # ```code``` within a line
        return ""
    return opened.group(1)


def _block(line: str, bare: str, block: str, blank: bool) -> str:
    """The kind of quoted block that this line belongs to, "" for none."""
    if not bare:
        return block if block == "code" else ""
    if block == "shell":
        return "shell"
    if bare.startswith(TRANSCRIPT) and len(bare) > 2:
        return "shell"
    if line.startswith(DIFF_START) and bare != "---":
        return "diff"
    if block == "diff" and line[0] in " +-@\\":
        return "diff"
    if bare[0] == ">":
        return "quote"
    indented = line[0] == "\t" or line.startswith("    ")
    if indented and (blank or block in ("code", "log")) and not LISTED.match(line):
        return "code"
    if block == "code" and line[0] in " \t":
        return "code"
    if LOG.match(bare):
        return "log"
    return "code" if bare.endswith(CODE_END) or CODE.match(bare) else ""
