"""What an agent has done, in lines and as JSON."""

from __future__ import annotations

from typing import Any

import pytest

from workflow_hub.report.work import as_dict, lines
from workflow_hub.values import Files, RefusedCall, Work

NOTHING = {"files": {"created": [], "changed": [], "deleted": []}, "commands": [], "refused": []}
REFUSED = RefusedCall("shell", "git push", "no rule allows this command")

# (what was done, the lines, what the JSON has besides nothing)
DONE: list[Any] = [
    pytest.param(Work(), ["  no file was touched, and no command run"], {}, id="nothing"),
    pytest.param(
        Work(Files(("a.py", "b.py"), ("c.py",), ("d.py",))),
        ["  created  a.py", "  created  b.py", "  changed  c.py", "  deleted  d.py"],
        {"files": {"created": ["a.py", "b.py"], "changed": ["c.py"], "deleted": ["d.py"]}},
        id="files",
    ),
    pytest.param(
        Work(commands=("pytest -q", "ls\nrm x")),
        ["  ran      pytest -q", "  ran      ls\\nrm x"],
        {"commands": ["pytest -q", "ls\nrm x"]},
        id="commands",
    ),
    pytest.param(
        Work(refused=(REFUSED,)),
        ["  refused  shell git push: no rule allows this command"],
        {"refused": [{"tool": "shell", "on": "git push", "why": "no rule allows this command"}]},
        id="a refusal",
    ),
    pytest.param(
        Work(Files(("a",)), patch=b"diff", applied=True),
        ["  created  a", "  applied  the folder has it"],
        {"files": {"created": ["a"], "changed": [], "deleted": []}, "applied": True},
        id="in a copy",
    ),
    pytest.param(
        Work(notes=("no sandbox",)),
        ["  no file was touched, and no command run", "  note     no sandbox"],
        {"notes": ["no sandbox"]},
        id="a note",
    ),
    pytest.param(
        Work(Files((f"\x1b[2J{'x' * 300}",))),
        [f"  created  \\x1b[2J{'x' * 193} … (307 characters in all)"],
        {"files": {"created": [f"\x1b[2J{'x' * 300}"], "changed": [], "deleted": []}},
        id="a hostile name",
    ),
]


@pytest.mark.parametrize(("work", "told", "document"), DONE)
def test_what_was_done_is_told(work: Work, told: list[str], document: dict[str, Any]) -> None:
    assert list(lines(work)) == told
    assert as_dict(work) == NOTHING | document
