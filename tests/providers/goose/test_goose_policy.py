"""What Goose may do: tables of tool calls, and what no text can talk the policy into."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from workflow_hub.errors import UsageError
from workflow_hub.providers.goose.policy import Decision, Policy, answered, decide, target
from workflow_hub.providers.goose.work import Answer, Approve, Rule, ToolRequest


def call(tool: str, **arguments: Any) -> ToolRequest:
    return ToolRequest("1", tool, arguments)


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A working folder with links in it, beside another folder."""
    folder = tmp_path / "work"
    (folder / "src").mkdir(parents=True)
    (tmp_path / "other").mkdir()
    (folder / "out").symlink_to(tmp_path / "other")
    (folder / "in").symlink_to(folder / "src")
    (folder / "round").symlink_to("round")
    (folder / "a:b").touch()
    return folder


ALLOW, REFUSE, ASK = Decision.ALLOW, Decision.REFUSE, Decision.ASK


@pytest.mark.parametrize(
    ("request_", "decision"),
    [
        pytest.param(call("read", path="src/a.py"), ALLOW, id="reads below"),
        pytest.param(call("write", path="new/deep/ä ö.py", content=""), ALLOW, id="writes below"),
        pytest.param(call("edit", path="./src/../a.py"), ALLOW, id="dots that stay below"),
        pytest.param(call("tree", path="."), ALLOW, id="the folder itself"),
        pytest.param(call("write", path="in/a.py"), ALLOW, id="a link that stays below"),
        pytest.param(call("read_image", source="shot.png"), ALLOW, id="a picture below"),
        pytest.param(call("read", path="a:b"), ALLOW, id="a file whose name looks like a scheme"),
        pytest.param(call("write", path="../work2/a"), REFUSE, id="a sibling with the same beginning"),
        pytest.param(call("write", path="../a"), REFUSE, id="dots that lead out"),
        pytest.param(call("write", path="out/a"), REFUSE, id="a link that leads out"),
        pytest.param(call("write", path="in/../../a"), REFUSE, id="dots behind a link"),
        pytest.param(call("read", path="/etc/passwd"), REFUSE, id="absolute"),
        pytest.param(call("read", path="~/.ssh/id"), REFUSE, id="home"),
        pytest.param(call("read", path="round"), REFUSE, id="a link in a circle"),
        pytest.param(call("read", path=""), REFUSE, id="no path"),
        pytest.param(call("read"), REFUSE, id="no argument"),
        pytest.param(call("read", path=["a"]), REFUSE, id="not a text"),
        pytest.param(call("read", path="a\0b"), REFUSE, id="a zero in it"),
        pytest.param(call("read_image", source="http://127.0.0.1/a.png"), REFUSE, id="a URL"),
        pytest.param(call("read_image", source="file:///etc/passwd"), REFUSE, id="a file URL"),
        pytest.param(call("write", path=".git/hooks/pre-commit"), REFUSE, id="what git would run"),
        pytest.param(call("edit", path="sub/.GIT/config"), REFUSE, id="in any letters"),
        pytest.param(call("read", path=".git/HEAD"), ALLOW, id="reading what git keeps"),
        pytest.param(call("shell", command="ls"), REFUSE, id="a command"),
        pytest.param(call("fetch__get", url="http://127.0.0.1"), REFUSE, id="another tool"),
    ],
)
def test_the_default_list(place: Path, request_: ToolRequest, decision: Decision) -> None:
    assert decide(request_, Policy(place)).decision is decision
    assert decide(request_, Policy(place, Approve.DENY)).decision is REFUSE
    assert decide(request_, Policy(place, Approve.ASK)).decision is ASK


@pytest.mark.parametrize(
    ("rule", "command", "fits"),
    [
        pytest.param("shell", "rm -rf / ; true", True, id="every command"),
        pytest.param("shell:pytest", "pytest", True, id="one word"),
        pytest.param("shell:pytest", "pytest -x", False, id="more than the rule says"),
        pytest.param("shell:pytest *", "pytest", True, id="a last star is no word"),
        pytest.param("shell:pytest *", "pytest -x 'a b'", True, id="or several"),
        pytest.param("shell:git * --stat", "git diff --stat", True, id="a star in the middle"),
        pytest.param("shell:git * --stat", "git diff -p --stat", False, id="which is one word"),
        pytest.param("shell:python -m py*", "python -m pytest", True, id="a part of a word"),
        pytest.param("shell:pytest *", "pytest; rm -rf x", False, id="a second command"),
        pytest.param("shell:pytest *", "pytest && rm x", False, id="and"),
        pytest.param("shell:pytest *", "pytest | tee x", False, id="a pipe"),
        pytest.param("shell:pytest *", "pytest > x", False, id="into a file"),
        pytest.param("shell:pytest *", "pytest $(rm x)", False, id="a command inside"),
        pytest.param("shell:pytest *", "pytest `rm x`", False, id="in backticks"),
        pytest.param("shell:pytest *", "pytest \nrm x", False, id="a second line"),
        pytest.param("shell:pytest *", "pytest 'open", False, id="an open quote"),
        pytest.param("shell:pytest *", "", False, id="no command"),
        pytest.param("shell:* -V", "LD_PRELOAD=x -V", False, id="a variable in front"),
        pytest.param(
            "shell:make && make test", "make && make test", True, id="word by word as the rule says"
        ),
        pytest.param("shell:make && make *", "make && make test", False, id="and not otherwise"),
        pytest.param("shell:ls", "cat", False, id="another program"),
        pytest.param("write", "ls", False, id="a rule for another tool"),
    ],
)
def test_rules_for_commands(place: Path, rule: str, command: str, fits: bool) -> None:
    policy = Policy(place, rules=(Rule.parse(rule),))
    assert (decide(call("shell", command=command), policy).decision is ALLOW) == fits


@pytest.mark.parametrize(
    ("rule", "path", "fits"),
    [
        pytest.param("write:docs/*.md", "docs/a.md", True, id="in a folder"),
        pytest.param("write:docs/*.md", "docs/b/a.md", False, id="not below it"),
        pytest.param("write:docs/**", "docs/b/a.md", True, id="at any depth"),
        pytest.param("write:**/*.md", "a.md", True, id="at no depth"),
        pytest.param("write:docs/**", "docs/../a.md", False, id="dots that lead out of it"),
        pytest.param("write:**", "out/a", False, id="a link that leads out"),
        pytest.param("write:{other}/*", "../other/a", True, id="another folder by its name"),
        pytest.param("write:{other}/*", "out/a", True, id="or through a link"),
        pytest.param("write:{other}/*", "a", False, id="and no other"),
        pytest.param("write", "../other/a", True, id="everywhere"),
    ],
)
def test_rules_for_paths(place: Path, rule: str, path: str, fits: bool) -> None:
    written = Rule.parse(rule.format(other=place.parent / "other"))
    policy = Policy(place, Approve.ASK, (written,))
    assert decide(call("write", path=path), policy).decision is (ALLOW if fits else ASK)


@pytest.mark.parametrize(
    ("rule", "tool", "fits"),
    [
        pytest.param("shop__*", "shop__price", True, id="any tool of a server"),
        pytest.param("shop__price", "shop__price", True, id="one tool"),
        pytest.param("shop__price", "shop__prices", False, id="and no other"),
        pytest.param("shop__*", "shop2__price", False, id="of no other server"),
        pytest.param("shop*", "shop__price", False, id="a star means a whole server only"),
        pytest.param("*", "shop__price", False, id="or nothing"),
        pytest.param("shop__*:x", "shop__price", False, id="no pattern for what names no path"),
    ],
)
def test_a_rule_for_tool_servers(rule: str, tool: str, fits: bool, place: Path) -> None:
    decision = decide(call(tool), Policy(place, rules=(Rule.parse(rule),))).decision
    assert decision is (ALLOW if fits else REFUSE)


@pytest.mark.parametrize("text", ["", ":", " :x", "shell:", "shell: "])
def test_what_is_no_rule(text: str) -> None:
    with pytest.raises(UsageError, match="write TOOL or TOOL:PATTERN"):
        Rule.parse(text)


@pytest.mark.parametrize("text", ["shell", "shell:git log --format=%h:%s", "fs__write:a/**"])
def test_a_rule_reads_as_it_is_written(text: str) -> None:
    assert str(Rule.parse(text)) == text


@pytest.mark.parametrize(
    ("said", "allowed", "asked"),
    [
        pytest.param(
            call("shell", command="make; true"),
            [call("shell", command="make; true")],
            [call("shell", command="make")],
            id="this command",
        ),
        pytest.param(
            call("write", path="a"),
            [call("write", path="b/c")],
            [call("write", path="../b"), call("read", path="a")],
            id="this tool in the folder",
        ),
        pytest.param(call("x__y", a=1), [call("x__y", a=2)], [call("x__z")], id="another tool"),
    ],
)
def test_an_answer_for_the_session(
    place: Path, said: ToolRequest, allowed: list[ToolRequest], asked: list[ToolRequest]
) -> None:
    policy = Policy(place, Approve.ASK)
    assert answered(Answer.ONCE, said, policy) == answered(Answer.NO, said, policy) == policy
    later = answered(Answer.SESSION, said, policy)
    assert [decide(one, later).decision for one in allowed] == [ALLOW] * len(allowed)
    assert [decide(one, later).decision for one in asked] == [ASK] * len(asked)


PARTS = st.sampled_from(["..", ".", "src", "in", "out", "round", "~", "", "ü", ".git", "/", "other"])
PATHS = st.lists(PARTS | st.text(max_size=6), max_size=6).map("/".join)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(path=PATHS, tool=st.sampled_from(["read", "write", "edit", "tree"]))
def test_no_path_leads_out(place: Path, path: str, tool: str) -> None:
    request = call(tool, path=path)
    if decide(request, Policy(place)).decision is ALLOW:
        end = target(request, place)
        assert end is not None and end.is_relative_to(place.resolve())


WORDS = st.sampled_from(["pytest", " ", "-x", *";|&<>$`()\n'\"\\=*"])


@given(command=st.lists(WORDS, max_size=8).map("".join))
def test_no_text_makes_two_commands_of_one(command: str) -> None:
    policy = Policy(Path(), rules=(Rule("shell", "pytest *"),))
    if decide(call("shell", command=command), policy).decision is ALLOW:
        assert shlex.split(command)[0] == "pytest"
        assert not set(command) & set(";|&<>$`()\n\\")
