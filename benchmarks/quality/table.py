"""The figures of one contender, as a column of the table."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from quality import figures, said
from quality.contenders import Made
from quality.figures import Tally, share
from quality.labels import Label
from quality.linted import OF_RAISES
from quality.said import Said
from quality.source import Function


@dataclass(frozen=True, slots=True)
class Column:
    """One contender's docstrings, and what there is to judge them by.

    `modules` are the texts of the modules by file; `same_code` says whether code is as before, None
    where the contender writes no files; `complaints` are pydoclint's, by code.
    """

    chosen: Mapping[Label, Function]
    modules: Mapping[str, str]
    made: Made
    complaints: Counter[str]
    same_code: bool | None = None


def rows(column: Column) -> dict[str, str]:
    """The figures, as they stand in the table."""
    read = {label: said.read(text) for label, text in column.made.docstrings.items() if text is not None}
    judged = {label: (one, column.chosen[label]) for label, one in read.items()}
    pairs = judged.values()
    number, documented = len(column.chosen), len(read)
    return {
        "documented": f"{documented} of {number}",
        "parameters exact": _percent(share(figures.names_parameters(*pair) for pair in pairs)),
        "code unchanged": {True: "100 %", False: "**no**", None: "-"}[column.same_code],
        **_raises(read),
        "returns and yields agree": _percent(share(figures.gives_agree(*pair) for pair in pairs)),
        "pydoclint, complaints per 100": _complaints(column.complaints, documented),
        "names that do not exist": _unknown(read, column.modules),
        "summary only restates": _percent(share(figures.restates(*pair) for pair in pairs)),
        "placeholders": _percent(share(map(figures.has_placeholder, read.values()))),
        "parts that the code told, nobody": _untold(column.made),
        "seconds per function": f"{column.made.seconds / number:.1f}",
        "tokens per function, read and written": _tokens(column.made, number),
    }


def _raises(read: Mapping[Label, Said]) -> dict[str, str]:
    total = sum((figures.tally(one.raises, label.raises) for label, one in read.items()), Tally())
    return {
        "raises, precision": f"{total.precision:.3f} ({total.wrong} wrong)",
        "raises, recall": f"{total.recall:.3f} ({total.missed} missed)",
    }


def _unknown(read: Mapping[Label, Said], modules: Mapping[str, str]) -> str:
    naming = [bool(figures.unknown_names(one, modules[label.file])) for label, one in read.items()]
    return f"{_percent(share(naming))} of docstrings"


def _untold(made: Made) -> str:
    """Only the hub says."""
    return f"{len(made.derived)}, {len(made.left_out)}" if made.derived or made.left_out else "-"


def _tokens(made: Made, number: int) -> str:
    if not made.requests:
        return "-"
    return f"{made.prompt_tokens / number:.0f}, {made.written_tokens / number:.0f}"


def _complaints(complaints: Counter[str], documented: int) -> str:
    of_raises = sum(complaints[code] for code in OF_RAISES)
    each = 100 / documented if documented else 0.0
    return f"{complaints.total() * each:.0f} ({of_raises * each:.0f} of them on raises)"


def _percent(part: float) -> str:
    return f"{100 * part:.0f} %" if part in {0, 1} else f"{100 * part:.1f} %"


def markdown(columns: Mapping[str, Mapping[str, str]]) -> str:
    """A table with a line for each figure."""
    titles = list(columns)
    names = next(iter(columns.values()))
    lines = [f"| | {' | '.join(titles)} |", f"|---|{'---|' * len(titles)}"]
    lines += [f"| {name} | {' | '.join(columns[title][name] for title in titles)} |" for name in names]
    return "\n".join(lines)
