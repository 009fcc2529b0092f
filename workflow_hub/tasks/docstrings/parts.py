"""The parts of a docstring: what it is to say, and what it says already, in no style yet."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Style(StrEnum):
    """How a docstring is laid out; the values are the words of `--style`."""

    GOOGLE = "google"
    NUMPY = "numpy"
    SPHINX = "sphinx"


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing that is described.

    `name` is a parameter as shown (`*args`), an attribute, an exception, or empty for what is returned
    or yielded.
    """

    name: str
    text: str
    type: str | None = None


@dataclass(frozen=True, slots=True)
class Parts:
    """What a docstring is to say, in no style yet."""

    summary: str | None = None
    parameters: tuple[Entry, ...] = ()
    returns: Entry | None = None
    yields: Entry | None = None
    raises: tuple[Entry, ...] = ()
    attributes: tuple[Entry, ...] = ()


@dataclass(frozen=True, slots=True)
class Documented:
    """What a docstring says already.

    Parameters are without their stars and backslashes, as `bare` makes them; exceptions are as
    written, dots included.
    """

    style: Style | None
    summary: bool
    parameters: frozenset[str]
    returns: bool
    yields: bool
    raises: frozenset[str]
    attributes: frozenset[str] = frozenset()

    def lacks(self, parts: Parts) -> Parts:
        """Those of the parts that are not said yet; an exception is known by its last name.

        An attribute that is described as a parameter of the class needs no second word.
        """
        raised = {last_name(name) for name in self.raises}
        return Parts(
            summary=None if self.summary else parts.summary,
            parameters=tuple(one for one in parts.parameters if bare(one.name) not in self.parameters),
            returns=None if self.returns else parts.returns,
            yields=None if self.yields else parts.yields,
            raises=tuple(one for one in parts.raises if last_name(one.name) not in raised),
            attributes=tuple(
                one for one in parts.attributes if one.name not in self.attributes | self.parameters
            ),
        )


def bare(name: str) -> str:
    """A parameter's name without stars, backslashes and backquotes: `\\*args` is `args`."""
    return name.strip("` ").replace("\\", "").strip("*`")


def last_name(name: str) -> str:
    """What stands behind the last dot of a name."""
    return name.rpartition(".")[2]
