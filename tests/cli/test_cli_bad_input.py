"""What is wrong on a user's side: one message, or an outcome with a reason; never a damaged file."""

from __future__ import annotations

import os
import shutil
import sqlite3
import stat
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from cli_help import (
    AS_ANYBODY,
    COMMAND,
    SMALL_FILES,
    Ran,
    at,
    bytes_of,
    each,
    finished,
    folder_with,
    on_first,
    questions,
    run,
    shop_in,
    start,
)
from doubles.dmr import DmrDouble

ONE = "def one(item):\n    return item\n"

# name: (bytes, what the reason says)
BAD_FILES = {
    "syntax.py": (b"def (:\n", "syntax error"),
    "tabs.py": (b"def one():\n\tif 1:\n        return 2\n", "syntax error"),
    "cut.py": (b'def one():\n    """never closed\n', "syntax error"),
    "old.py": (b"print 'python 2'\n", "syntax error"),
    "bytes.py": (b"def one():\n    return '\xff\xfe'\n", "encoding"),
    "utf16.py": ("def one():\n    return 1\n".encode("utf-16"), ""),
    "klingon.py": (b"# coding: klingon\ndef one():\n    return 1\n", "klingon"),
    "liar.py": (b"# coding: ascii\ndef one():\n    return '\xc3\xa9'\n", "ascii"),
    "null.py": (b"def one():\n    return 1\n\0", "null bytes"),
    "huge.py": (b"def one():\n    return 1\n" + b"# much\n" * 200_000, "larger"),
    "deep.py": (b"x = " + b"(" * 5000 + b")" * 5000 + b"\n", ""),
    "minus.py": (b"x = " + b"-" * 50_000 + b"1\n", ""),
    "surrogate.py": (b"def one():\n    return '\xed\xa0\x80'\n", "encoding"),
}
# Files that are Python and hold nothing that wants a docstring.
EMPTY_FILES = {
    "empty.py": b"",
    "blank.py": b"\n\n\n",
    "comment.py": b"# only this",
    "bom.py": b"\xef\xbb\xbf",
    "feed.py": b"\x0c",
    "skipped.py": b"# workflow-hub: skip\n" + ONE.encode(),
}


@pytest.fixture
def one(tmp_path: Path) -> Path:
    """A folder with one function in one file."""
    folder = tmp_path / "one"
    folder.mkdir()
    (folder / "one.py").write_text(ONE)
    return folder


def documented(cwd: Path, *more: str, **options: Any) -> Ran:
    """A run with --write against a double that answers well."""
    with DmrDouble() as dmr:
        env = at(dmr) | options.pop("env", {})
        return run("docstrings", ".", "--write", "--format", "json", *more, cwd=cwd, env=env, **options)


def test_files_that_are_not_python_fail_and_the_others_go_on(one: Path) -> None:
    for name, (data, _) in BAD_FILES.items():
        (one / name).write_bytes(data)
    for name, data in EMPTY_FILES.items():
        (one / name).write_bytes(data)
    os.mkfifo(one / "pipe.py")
    (one / "folder.py").mkdir()
    (one / "folder.py" / "inner.py").write_text(ONE)
    special = {"pipe.py"}
    before = {path.name: path.read_bytes() for path in one.glob("*.py") if path.is_file()}
    done = documented(one)
    reasons = done.reasons
    assert done.code == 3
    assert set(reasons) == {*BAD_FILES, *special}
    for name, (_, expected) in BAD_FILES.items():
        assert expected in str(reasons[name]).lower(), name
        assert "\n" not in str(reasons[name]), name
    assert {one["path"] for one in done.report["outcomes"] if one["status"] == "done"} == {
        "one.py",
        "folder.py/inner.py",
    }
    for name, data in before.items():
        assert name == "one.py" or (one / name).read_bytes() == data


def test_links_stay_links_and_never_lead_out(one: Path) -> None:
    outside = one.parent / "outside"
    outside.mkdir()
    (outside / "far.py").write_text(ONE)
    (one / "pack").mkdir()
    (one / "pack" / "near.py").write_text(ONE)
    links = {
        "out.py": outside / "far.py",
        "folder": outside,
        "near.py": one / "pack" / "near.py",
        "nothing.py": one / "nothing.txt",
        "loop.py": one / "loop.py",
        "pack/up": one,
    }
    for name, target in links.items():
        (one / name).symlink_to(target)
    done = documented(one)
    assert done.code == 0
    assert {item for item, reason in done.reasons.items() if "link" in str(reason)} == {"out.py", "folder"}
    assert (outside / "far.py").read_text() == ONE
    assert (one / "pack" / "near.py").read_text() != ONE
    assert all((one / name).is_symlink() for name in links)
    named = run("docstrings", "loop.py", "nothing.py", "out.py", cwd=one)
    assert named.code == 0
    assert len([line for line in named.messages if "link" in line]) == 3


def test_permissions_hold(one: Path) -> None:
    for name in ("unreadable", "readonly"):
        (one / f"{name}.py").write_text(ONE)
    for folder in ("closed", "locked"):
        (one / folder).mkdir()
        (one / folder / "inner.py").write_text(ONE)
    modes = {"unreadable.py": 0o000, "readonly.py": 0o444, "closed": 0o000, "locked": 0o555}
    for name, mode in modes.items():
        (one / name).chmod(mode)
    try:
        done = documented(one, prepared=AS_ANYBODY)
        kept = {name: stat.S_IMODE((one / name).stat().st_mode) for name in modes}
    finally:
        for name in modes:
            (one / name).chmod(0o755)
    assert (done.code, kept) == (3, modes)
    reasons = {item.partition("::")[0]: str(reason) for item, reason in done.reasons.items()}
    assert set(reasons) == {"unreadable.py", "readonly.py", "closed", "locked/inner.py"}
    assert "read-only" in reasons["readonly.py"]
    for name in ("unreadable.py", "closed", "locked/inner.py"):
        assert "permission denied" in reasons[name].lower()
    for name in ("unreadable.py", "readonly.py", "closed/inner.py", "locked/inner.py"):
        assert (one / name).read_text() == ONE
    assert list((one / "locked").iterdir()) == [one / "locked" / "inner.py"]
    assert (one / "one.py").read_text() != ONE


def _edited(path: Path) -> None:
    path.write_text(ONE.replace("item", "thing"))


def _vanished(path: Path) -> None:
    path.unlink()


def _folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def _led_away(path: Path) -> None:
    other = path.with_suffix(".txt")
    other.write_text("theirs\n")
    path.unlink()
    path.symlink_to(other)


def _emptied(path: Path) -> None:
    path.write_bytes(b"")


def _without_its_folder(path: Path) -> None:
    shutil.rmtree(path.parent)


CHANGES = [
    pytest.param(_edited, "changed", id="edited"),
    pytest.param(_emptied, "changed", id="emptied"),
    pytest.param(_vanished, "not there any more", id="vanished"),
    pytest.param(_folder, "", id="a folder in its place"),
    pytest.param(_led_away, "changed", id="a link in its place"),
    pytest.param(_without_its_folder, "not there any more", id="vanished with its folder"),
]


def test_a_file_that_changes_meanwhile_is_left_alone(tmp_path: Path) -> None:
    def check(change: Callable[[Path], None], reason: str) -> None:
        here = folder_with(tmp_path, zzz=ONE)
        target = here / "pack" / "target.py"
        target.parent.mkdir()
        target.write_text(ONE)
        seen: dict[str, bytes] = {}

        def act() -> None:
            change(target)
            seen.update(bytes_of(here))

        with DmrDouble(answer=on_first(act)) as dmr:
            flags = ("--write", "--jobs", "1", "--no-cache", "--format", "json")
            done = run("docstrings", ".", *flags, cwd=here, env=at(dmr))
        assert done.code == 3
        assert reason in str(done.reasons["pack/target.py::one"])
        after = bytes_of(here)
        assert after.pop("zzz.py") != seen.pop("zzz.py")
        assert after == seen

    each(CHANGES, check)


def test_an_edited_file_is_documented_by_the_next_run(one: Path) -> None:
    text = "def old(item):\n    return item\n"
    (one / "one.py").write_text(text)

    def act() -> None:
        (one / "one.py").write_text(text + "\n\n" + ONE)

    with DmrDouble(answer=on_first(act)) as dmr:
        first = run("docstrings", ".", "--write", cwd=one, env=at(dmr))
        dmr.chats.clear()
        second = run("docstrings", ".", "--write", cwd=one, env=at(dmr))
        assert len(questions(dmr)) == 1
    assert (first.code, second.code) == (3, 0)
    assert "run again" in first.err
    assert (one / "one.py").read_text().count('"""') >= 4


# (file, content, what the message names); all of them stop the command before anybody is asked
SETTINGS = [
    pytest.param("workflow-hub.yaml", "docstrings: [\n", ["workflow-hub.yaml:2"], id="not YAML"),
    pytest.param(
        "workflow-hub.yaml", "docstrings:\n  stile: numpy\n", ["yaml:2", "stile", "style"], id="a typo"
    ),
    pytest.param("workflow-hub.yaml", "doc: {style: numpy}\n", ["yaml:1", "doc"], id="no such section"),
    pytest.param(
        "workflow-hub.yaml", "docstrings:\n  style: fancy\n", ["yaml:2", "fancy"], id="no such style"
    ),
    pytest.param("workflow-hub.yaml", "\n\ndocstrings:\n  width: wide\n", ["yaml:4", "wide"], id="no number"),
    pytest.param("workflow-hub.yaml", "- a\n- b\n", ["workflow-hub.yaml"], id="a list"),
    pytest.param("workflow-hub.yaml", "docstrings: 7\n", ["workflow-hub.yaml"], id="a number for a section"),
    pytest.param("workflow-hub.yaml", "a: &x 1\nb: *x\n", ["workflow-hub.yaml"], id="aliases"),
    pytest.param(
        "workflow-hub.yaml", "api: {base_url: 'http://x.example'}\n", ["yaml:1", "x.example"], id="foreign"
    ),
    pytest.param("workflow-hub.yaml", "api: {base_url: 'ftp://localhost'}\n", ["ftp"], id="not HTTP"),
    pytest.param("pyproject.toml", "[tool.workflow-hub\n", ["pyproject.toml:1"], id="not TOML"),
    pytest.param(
        "pyproject.toml", "[tool.workflow-hub.docstrings]\nx = 1\n", ["toml:2", "x"], id="a typo in TOML"
    ),
    pytest.param("pyproject.toml", "[tool]\nworkflow-hub = 3\n", ["pyproject.toml"], id="a number for all"),
    pytest.param("routing.yaml", "version: 2\n", ["routing.yaml"], id="routing of another version"),
    pytest.param("routing.yaml", "rules: {\n", ["routing.yaml:2"], id="routing that is not YAML"),
    pytest.param("routing.yaml", "", ["routing.yaml"], id="routing that is empty"),
    pytest.param(
        "prompts/docstrings.j2", "---\nname: docstrings\nversion: x\n---\n", ["docstrings.j2:3"], id="head"
    ),
    pytest.param(
        "prompts/docstrings.j2",
        "---\nname: docstrings\nversion: 1\n---\n"
        "{% block system %}{{ nope }}{% endblock %}{% block user %}{% endblock %}",
        ["docstrings.j2", "nope"],
        id="a prompt with a variable that is not there",
    ),
    pytest.param(
        "prompts/docstrings.j2",
        "---\nname: docstrings\nversion: 1\n---\n{% block system %}\n{% if %}\n",
        ["docstrings.j2:6"],
        id="a prompt that is not Jinja",
    ),
]


def test_wrong_settings_are_named_with_file_and_line(tmp_path: Path) -> None:
    def check(file: str, content: str, named: list[str]) -> None:
        here = folder_with(tmp_path, one=ONE)
        (here / file).parent.mkdir(exist_ok=True)
        (here / file).write_text(content)
        done = run("docstrings", "one.py", "--write", cwd=here)
        assert done.code == 2
        assert all(word in done.err for word in named), done.err
        assert len(done.messages) == 1
        assert (here / "one.py").read_text() == ONE

    each(SETTINGS, check)


HEAD = "---\nname: docstrings\nversion: 1\ninputs: {INPUTS}\n---\n"
INPUTS = "owner: text?, owner_doc: text?, comment: text?, code: text, callees: list, refused: map"
PROMPTS = [
    pytest.param(INPUTS + ", more: text", "{{ code }}", "more", id="an input that nobody gives"),
    pytest.param(INPUTS, "{{ code.nothing.more }}", "nothing", id="an attribute that is not there"),
    pytest.param(INPUTS, "{{ code.__class__.__mro__ }}", "unsafe", id="a way out of the sandbox"),
    pytest.param(INPUTS, "{{ callees.pop() + {}.popitem() }}", "", id="an error of Python"),
    pytest.param(INPUTS, "{% for i in range(10 ** 9) %}x{% endfor %}", "", id="a loop without end"),
    pytest.param(
        INPUTS, "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}", "", id="a macro that calls itself"
    ),
]


def test_a_prompt_that_cannot_be_rendered_is_named(tmp_path: Path) -> None:
    def check(inputs: str, body: str, named: str) -> None:
        here = folder_with(tmp_path, one=ONE)
        (here / "prompts").mkdir()
        blocks = f"{{% block system %}}s{{% endblock %}}{{% block user %}}{body}{{% endblock %}}"
        (here / "prompts" / "docstrings.j2").write_text(HEAD.replace("INPUTS", inputs) + blocks)
        done = run("docstrings", "one.py", "--write", cwd=here, env=at(dmr))
        assert done.code in {2, 3}
        assert "docstrings.j2" in done.err
        assert named in done.err
        assert (here / "one.py").read_text() == ONE

    with DmrDouble() as dmr:
        each(PROMPTS, check)
        assert questions(dmr) == []


def test_a_project_has_prompts_and_rules_of_its_own(one: Path) -> None:
    (one / ".git").mkdir()
    (one / "prompts").mkdir()
    text = "{% block system %}OUR OWN{% endblock %}{% block user %}{{ code }}{% endblock %}"
    (one / "prompts" / "docstrings.j2").write_text(HEAD.replace("INPUTS", INPUTS) + text)
    (one / "routing.yaml").write_text(
        "version: 1\nproviders: {dmr: {kind: dmr}}\nmodels: {own: {provider: dmr, try: [ai/own]}}\n"
        "rules: [{name: ours, use: own}]\n"
    )
    (one / "pack").mkdir()
    (one / "one.py").rename(one / "pack" / "one.py")
    with DmrDouble(models=("ai/own",)) as dmr:
        done = run("docstrings", ".", "--format", "json", cwd=one / "pack", env=at(dmr))
        assert {request.body["messages"][0]["content"] for request in dmr.chats} == {"OUR OWN"}
    assert done.code == 0
    route = done.report["outcomes"][0]["route"]
    assert (route["rule"], route["model"], route["fallback_from"]) == ("ours", "ai/own", None)


# (arguments, what the message names)
TYPED = [
    pytest.param(("docstrings",), ["PATH"], id="no path"),
    pytest.param(("docstrings", "no/where.py"), ["no/where.py"], id="a path that does not exist"),
    pytest.param(("docstrings", "src/**/*.py"), ["src/**/*.py"], id="a glob that matches nothing"),
    pytest.param(("docstrings", ""), [], id="an empty path"),
    pytest.param(("docstrings", ".", "--write", "--check"), ["--write", "--check"], id="flags that exclude"),
    pytest.param(("docstrings", ".", "--kinds", "modules,words"), ["words"], id="no such kind"),
    pytest.param(("docstrings", ".", "--kinds", ","), ["--kinds"], id="no kind at all"),
    pytest.param(("docstrings", ".", "--style", "fancy"), ["fancy"], id="no such style"),
    pytest.param(("docstrings", ".", "--jobs", "0"), ["--jobs"], id="no jobs"),
    pytest.param(("docstrings", ".", "--timeout", "0"), ["--timeout"], id="no time"),
    pytest.param(("docstrings", ".", "--timeout", "nan"), ["timeout"], id="a time that is no number"),
    pytest.param(("docstrings", ".", "--timeout", "inf"), ["timeout"], id="a time without end"),
    pytest.param(("docstrings", ".", "--format", "xml"), ["xml", "'sarif'"], id="no such format"),
    pytest.param(("docstrings", ".", "--fail-on", "never"), ["never", "'warning'"], id="no such severity"),
    pytest.param(("doctor", "--format", "sarif"), ["sarif", "'json'"], id="a format without findings"),
    pytest.param(("docstrings", ".", "--config", "none.yaml"), ["none.yaml"], id="no such settings"),
    pytest.param(("docstrings", ".", "--config", "."), ["--config"], id="a folder of settings"),
    pytest.param(("docstrings", ".", "--output", "."), ["--output"], id="output into a folder"),
    pytest.param(("docstrings", ".", "--nonsense"), ["--nonsense"], id="no such flag"),
    pytest.param(("docstrings", ".."), ["--write"], id="a patch outside of the current folder"),
]


def test_what_makes_no_sense_is_refused(one: Path) -> None:
    def check(arguments: tuple[str, ...], named: list[str]) -> None:
        done = run(*arguments, cwd=one)
        assert (done.code, done.out) == (2, b"")
        assert done.err
        assert all(word in done.err for word in named), done.err

    (one.parent / "outside.py").write_text(ONE)
    each(TYPED, check)
    assert (one / "one.py").read_text() == ONE


ENVIRONMENTS = [
    pytest.param({"DMR_BASE_URL": "ftp://localhost"}, "DMR_BASE_URL", id="an address that is none"),
    pytest.param({"DMR_BASE_URL": "http://a:b@127.0.0.1:9"}, "DMR_BASE_URL", id="a password in the address"),
    pytest.param({"DMR_BASE_URL": "unix:///no/such.sock"}, "such.sock", id="a socket that is not there"),
    pytest.param({"DMR_TIMEOUT": "soon"}, "DMR_TIMEOUT", id="a time that is no number"),
    pytest.param({"WORKFLOW_HUB_DOCSTRINGS_STYLE": "x"}, "WORKFLOW_HUB_DOCSTRINGS_STYLE", id="no such style"),
    pytest.param({"DMR_API_KEY": "k\u00e9y"}, "DMR_API_KEY", id="a key that no header carries"),
]


def test_a_wrong_variable_is_named(one: Path) -> None:
    def check(env: dict[str, str], named: str) -> None:
        done = run("docstrings", "one.py", "--write", cwd=one, env=env)
        assert done.code == 2
        assert named in done.err
        assert "a:b" not in done.err

    each(ENVIRONMENTS, check)
    assert (one / "one.py").read_text() == ONE


def test_it_works_without_a_path_a_home_or_a_terminal(one: Path) -> None:
    done = documented(one, env={"PATH": "", "HOME": "", "TERM": "", "LANG": "C", "LC_ALL": "C"})
    assert done.code == 0
    assert (one / "one.py").read_text() != ONE


def test_a_current_folder_that_is_gone_is_said(one: Path) -> None:
    prepared = f"import os; os.rmdir({str(one / 'gone')!r})"
    (one / "gone").mkdir()
    done = run("docstrings", ".", cwd=one / "gone", prepared=prepared)
    assert done.code == 2
    assert done.err


def test_names_that_are_no_text_are_carried_along(one: Path) -> None:
    name = os.fsdecode(b"caf\xe9.py")
    (one / name).write_text(ONE)
    (one / "new\nline.py").write_text(ONE)
    done = documented(one)
    assert (done.code, done.report["summary"]["done"]) == (0, 3)
    assert (one / name).read_text() != ONE
    assert run("docstrings", ".", "--check", cwd=one).code == 0


# -- the cache -----------------------------------------------------------------------------------


def _garbage(cache: Path) -> None:
    cache.write_bytes(b"not a database, " * 500)


def _a_folder(cache: Path) -> None:
    cache.mkdir()


def _from_the_future(cache: Path) -> None:
    with sqlite3.connect(cache) as database:
        database.execute("PRAGMA user_version = 99")
    database.close()


def _another_table(cache: Path) -> None:
    with sqlite3.connect(cache) as database:
        database.execute("CREATE TABLE answers (something TEXT)")
        database.execute("PRAGMA user_version = 1")
    database.close()


def _no_folder(cache: Path) -> None:
    cache.parent.rmdir()
    cache.parent.write_text("a file where the folder should be")


CACHES = [
    pytest.param(_garbage, id="garbage"),
    pytest.param(_a_folder, id="a folder"),
    pytest.param(_from_the_future, id="written by a newer version"),
    pytest.param(_another_table, id="another table"),
    pytest.param(_no_folder, id="a file in the place of its folder"),
]


def test_a_cache_that_cannot_be_used_is_named_and_can_be_left_out(tmp_path: Path) -> None:
    def check(spoil: Callable[[Path], None]) -> None:
        here = folder_with(tmp_path, one=ONE)
        cache = here / "cache" / "answers.sqlite3"
        cache.parent.mkdir()
        spoil(cache)
        env = at(dmr) | {"WORKFLOW_HUB_CACHE_PATH": str(cache)}
        done = run("docstrings", "one.py", "--write", cwd=here, env=env)
        without = run("docstrings", "one.py", "--write", "--no-cache", cwd=here, env=env)
        assert done.code in {2, 3}
        assert "--no-cache" in done.err
        assert str(cache.parent) in done.err
        assert without.code == 0

    with DmrDouble() as dmr:
        each(CACHES, check)


def test_an_unwritable_cache_is_named(one: Path, tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    cache.mkdir(mode=0o555)
    env = {"WORKFLOW_HUB_CACHE_PATH": str(cache / "answers.sqlite3")}
    done = documented(one, env=env, prepared=AS_ANYBODY)
    assert done.code == 2
    assert "--no-cache" in done.err
    assert (one / "one.py").read_text() == ONE


# (what stands in the cache for an answer, the exit code, what the message names)
SPOILED = [
    pytest.param("nonsense", 2, "--no-cache", id="no JSON"),
    pytest.param("5", 0, "documented", id="a number"),
    pytest.param('{"value": 5}', 0, "documented", id="an answer of another kind"),
    pytest.param('{"value": {"a": []}}', 0, "documented", id="a document"),
    pytest.param('{"refused": null}', 0, "documented", id="a refusal without a reason"),
    pytest.param("{}", 0, "documented", id="neither"),
]


def test_spoiled_answers_are_no_answers(tmp_path: Path) -> None:
    whole = tmp_path / "answers.sqlite3"

    def check(value: str, code: int, named: str) -> None:
        here = folder_with(tmp_path, one=ONE)
        cache = here / "answers.sqlite3"
        shutil.copy(whole, cache)
        with sqlite3.connect(cache) as database:
            assert database.execute("UPDATE answers SET value = ?", [value]).rowcount == 3
        database.close()
        env = at(dmr) | {"WORKFLOW_HUB_CACHE_PATH": str(cache)}
        done = run("docstrings", "one.py", "--write", cwd=here, env=env)
        assert (done.code, named in done.err) == (code, True)
        assert ("item: 5" in (here / "one.py").read_text(), code == 0) != (True, True)
        assert compile((here / "one.py").read_text(), "one.py", "exec")

    with DmrDouble() as dmr:
        env = at(dmr) | {"WORKFLOW_HUB_CACHE_PATH": str(whole)}
        run("docstrings", "one.py", cwd=folder_with(tmp_path, one=ONE), env=env)
        each(SPOILED, check)


# -- the disk ------------------------------------------------------------------------------------


@contextmanager
def small_disk(folder: Path) -> Iterator[str]:
    """A disk in `folder` that is soon full; where none can be mounted, files that cannot grow.

    Yields what a process must do before to be subject to it.
    """
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=64k", "none", str(folder)], capture_output=True
    )
    if mounted.returncode:
        yield SMALL_FILES
        return
    try:
        yield "pass"
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


def test_a_full_disk_damages_no_file(tmp_path: Path) -> None:
    here = tmp_path / "disk"
    with small_disk(here) as prepared, DmrDouble() as dmr:
        (here / "small.py").write_text(ONE)
        big = ONE + "\n\n" + "# filler\n" * 3400
        (here / "big.py").write_text(big)
        flags = ("--write", "--no-cache", "--format", "json")
        done = run("docstrings", ".", *flags, cwd=here, env=at(dmr), prepared=prepared)
        left = bytes_of(here)
    assert done.code == 3
    assert left["big.py"].decode() == big
    assert set(left) == {"big.py", "small.py"}
    reason = str(done.reasons["big.py::one"])
    assert "left alone" in reason
    assert "space" in reason or "large" in reason
    assert left["small.py"].decode() != ONE


def test_a_full_disk_for_the_cache_is_said(one: Path, tmp_path: Path) -> None:
    for number in range(80):
        (one / f"more{number}.py").write_text(ONE.replace("one", f"more{number}"))
    cache = tmp_path / "cache" / "answers.sqlite3"
    with small_disk(cache.parent) as prepared:
        env = {"WORKFLOW_HUB_CACHE_PATH": str(cache)}
        done = documented(one, env=env, prepared=prepared)
    assert done.code in {2, 3}
    assert "--no-cache" in done.err
    for path in one.glob("*.py"):
        compile(path.read_text(), path.name, "exec")


# (arguments, what stdout is)
LOST = [
    pytest.param(("docstrings", "one.py"), "full", id="a patch on a full disk"),
    pytest.param(("docstrings", "one.py"), "closed", id="a patch that nobody wants"),
    pytest.param(("docstrings", "one.py"), "gone", id="a patch whose reader has gone"),
    pytest.param(("docstrings", "one.py", "--format", "json"), "full", id="a report on a full disk"),
    pytest.param(("docstrings", "one.py", "--check"), "gone", id="a list whose reader has gone"),
    pytest.param(("doctor",), "full", id="doctor on a full disk"),
    pytest.param(("engine", "status"), "full", id="status on a full disk"),
    pytest.param(("--version",), "full", id="the version on a full disk"),
    pytest.param(("docstrings", "--help"), "full", id="help on a full disk"),
]


def test_output_that_nobody_takes(one: Path) -> None:
    def check(arguments: tuple[str, ...], where: str) -> None:
        if where == "closed":
            done = run(*arguments, cwd=one, env=at(dmr), prepared="import os; os.close(1)")
        elif where == "full":
            done = run(*arguments, cwd=one, env=at(dmr), stdout=full)
        else:
            reader, writer = os.pipe()
            os.close(reader)
            process = start(*arguments, cwd=one, env=at(dmr), stdout=writer)
            os.close(writer)
            done = finished(process)
        assert done.code == 2
        assert len(done.messages) <= 2

    with DmrDouble() as dmr, Path("/dev/full").open("wb") as full:
        each(LOST, check)


def test_messages_that_nobody_takes_change_nothing(one: Path) -> None:
    with DmrDouble() as dmr, Path("/dev/full").open("wb") as full:
        shown = run("docstrings", "one.py", cwd=one, env=at(dmr))
        for options in ({"stderr": full}, {"prepared": "import os; os.close(2)"}):
            done = run("docstrings", "one.py", cwd=one, env=at(dmr), **options)
            assert (done.code, done.out) == (0, shown.out)


def test_a_shell_that_closes_its_streams(one: Path) -> None:
    with DmrDouble() as dmr:
        script = f'"{COMMAND}" docstrings one.py --write <&- >&- 2>&-'
        done = subprocess.run(["sh", "-c", script], cwd=one, env={**os.environ, **at(dmr)})
    assert done.returncode in {0, 2}
    assert compile((one / "one.py").read_text(), "one.py", "exec")


def test_a_tree_without_git_is_a_project_too(tmp_path: Path) -> None:
    here = shop_in(tmp_path / "work").parent
    done = documented(here)
    assert (done.code, done.report["summary"]["done"]) == (0, 31)
