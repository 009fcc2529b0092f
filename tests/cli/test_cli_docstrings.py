"""`workflow-hub docstrings` against Docker Model Runner: patches, edits, reports."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from cli_help import SHOP_ITEMS, at, bytes_of, each, folder_with, git, is_canary, questions, run, shop_in
from doubles.dmr import Busy, Delay, DmrDouble, plain_answer

# (the folder that is a repository, the folder that the user stands in), below the test's own
PLACES = [
    pytest.param("work", "work", id="at the top of a repository"),
    pytest.param("work", "work/packages/one", id="in a folder of a repository"),
    pytest.param(None, "work/packages/one", id="outside of any repository"),
]

CRLF = b"import os\r\n\r\n\r\ndef first(path, mode):\r\n    return os.open(path, mode)\r\n"
LATIN = (
    "# -*- coding: latin-1 -*-\nGRÜN = 'grün'\n\n\ndef färbe(fläche, töne=GRÜN):\n    return fläche, töne\n"
).encode("latin-1")
NO_END = b"def last(item):\n\treturn item"
BOM = b"\xef\xbb\xbfdef marked(item):\n    return item\n"
ODD_FILES = {
    "crlf.py": CRLF,
    "latin.py": LATIN,
    "no_end.py": NO_END,
    "bom.py": BOM,
    "with space.py": b"def spaced(item):\n    return item\n",
    'quo"te.py': b"def quoted(item):\n    return item\n",
    "back\\slash.py": b"def slashed(item):\n    return item\n",
    "naïve 名.py": b"def foreign(item):\n    return item\n",
}


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """A folder that holds a copy of the example."""
    return shop_in(tmp_path / "work").parent


def test_the_patch_is_what_git_apply_takes_and_what_write_does(tmp_path: Path) -> None:
    def check(repository: str | None, folder: str) -> None:
        top = folder_with(tmp_path)
        here = top / folder
        shop_in(here)
        (here / "odd").mkdir()
        for name, data in ODD_FILES.items():
            (here / "odd" / name).write_bytes(data)
        if repository:
            git("init", "-q", cwd=top / repository)
        before = bytes_of(here)
        patch = run("docstrings", "shop", "odd", cwd=here, env=at(dmr))
        assert bytes_of(here) == before
        git("apply", cwd=here, data=patch.out)
        applied = bytes_of(here)
        for name, data in before.items():
            (here / name).write_bytes(data)
        written = run("docstrings", "shop", "odd", "--write", cwd=here, env=at(dmr))
        assert (patch.code, written.code, written.out) == (0, 0, b"")
        assert bytes_of(here) == applied
        assert all(applied[f"odd/{name}"] != data for name, data in ODD_FILES.items())
        assert b"\n" not in applied["odd/crlf.py"].replace(b"\r\n", b"")
        assert applied["odd/latin.py"].decode("latin-1").startswith("# -*- coding: latin-1 -*-\nGRÜN")

    with DmrDouble() as dmr:
        each(PLACES, check)


def test_the_second_run_changes_nothing_and_asks_nothing(shop: Path) -> None:
    with DmrDouble() as dmr:
        first = run("docstrings", "shop", "--write", "--format", "json", cwd=shop, env=at(dmr))
        before, asked = bytes_of(shop), len(questions(dmr))
        dmr.chats.clear()
        second = run("docstrings", "shop", "--write", "--format", "json", cwd=shop, env=at(dmr))
        assert (first.code, second.code, bytes_of(shop)) == (0, 0, before)
        assert dmr.chats == []
    assert first.report["summary"]["done"] == asked == SHOP_ITEMS
    assert second.report["summary"] | {"seconds": 0} == {
        "items": 0,
        "done": 0,
        "skipped": 0,
        "failed": 0,
        "cached": 0,
        "degraded": 0,
        "model_calls": 0,
        "seconds": 0,
    }
    assert "nothing to do" in second.err


CALLING = """\
def show(cart):
    return total(cart) + count(cart)


def total(cart):
    return sum(cart.prices)


def count(cart):
    return len(cart.lines)
"""


def test_what_is_called_is_asked_first_and_quoted_by_its_callers(tmp_path: Path) -> None:
    (tmp_path / "shop.py").write_text(CALLING)
    kinds = ("--kinds", "functions,modules", "--format", "json")
    with DmrDouble() as dmr:
        first = run("docstrings", ".", "--write", *kinds, cwd=tmp_path, env=at(dmr))
        asked = [str(one.body["messages"][-1]["content"]) for one in dmr.chats if not is_canary(one.body)]
        names = [text.partition("(")[0] for text in asked[:3]]
        assert (sorted(names[:2]), names[2]) == (["def count", "def total"], "def show")
        # A second run has nothing to ask, nor has one over the same code without its docstrings.
        (tmp_path / "shop.py").write_text(CALLING)
        dmr.chats.clear()
        second = run("docstrings", ".", "--write", *kinds, cwd=tmp_path, env=at(dmr))
        assert dmr.chats == []
    outcomes = first.report["outcomes"]
    assert [one["item"] for one in outcomes] == [
        "shop.py",
        *(f"shop.py::{name}" for name in ("show", "total", "count")),
    ]
    said = {
        one["item"].rpartition(":")[2]: one["result"]["docstring"].split("\n")[0].rstrip(".")
        for one in outcomes
    }
    assert f"# total: {said['total']}" in asked[2] and f"# count: {said['count']}" in asked[2]
    assert f"def show(cart)  # {said['show']}" in asked[3]
    assert [one["result"]["docstring"] for one in second.report["outcomes"]] == [
        one["result"]["docstring"] for one in outcomes
    ]


def test_answers_are_remembered_unless_the_cache_is_off(shop: Path) -> None:
    with DmrDouble() as dmr:
        first = run("docstrings", "shop/money.py", cwd=shop, env=at(dmr))
        dmr.chats.clear()
        again = run("docstrings", "shop/money.py", cwd=shop, env=at(dmr))
        assert dmr.chats == []
        without = run("docstrings", "shop/money.py", "--no-cache", cwd=shop, env=at(dmr))
        assert questions(dmr)
    assert first.out == again.out == without.out
    assert "from memory" in again.err
    assert "from memory" not in without.err


def test_no_cache_leaves_nothing_behind(shop: Path, tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    with DmrDouble() as dmr:
        env = at(dmr) | {"HOME": str(home)}
        run("docstrings", "shop/money.py", "--no-cache", cwd=shop, env=env)
        dmr.chats.clear()
        run("docstrings", "shop/money.py", cwd=shop, env=env)
        assert questions(dmr)


def test_an_abstention_and_a_refusal_are_remembered_too(tmp_path: Path) -> None:
    (tmp_path / "one.py").write_text("def scale(factor, places):\n    return round(factor, places)\n")

    def answer(body: dict[str, Any]) -> str:
        document = json.loads(plain_answer(body))
        for name, value in {"factor": None, "places": "TODO"}.items():
            if name in document:
                document[name] = value
        return json.dumps(document)

    with DmrDouble(answer=answer) as dmr:
        first = run("docstrings", "one.py", "--format", "json", cwd=tmp_path, env=at(dmr))
        assert questions(dmr) == [["summary", "factor", "places", "returns"], ["places"]]
        dmr.chats.clear()
        second = run("docstrings", "one.py", "--format", "json", cwd=tmp_path, env=at(dmr))
        assert dmr.chats == []
    (outcome,), (again,) = first.report["outcomes"], second.report["outcomes"]
    assert outcome["result"]["derived"] == {"factor": "was left open", "places": "was a single word"}
    assert "factor: passed to round()" in outcome["result"]["docstring"]
    assert (again["status"], again["cached"], second.code) == ("done", True, 0)
    assert again["result"] == outcome["result"]


PARTIAL = '''\
def load(path, encoding="utf-8", *, strict=False):
    """Read settings, as the maintainers wrote it: with care.

    A second paragraph that is theirs.

    Args:
        path: where they are, in the words of a human
    """
    if strict and not path.exists():
        raise FileNotFoundError(path)
    return path.read_text(encoding)
'''


def test_a_docstring_of_a_human_gets_only_what_it_lacks(tmp_path: Path) -> None:
    (tmp_path / "one.py").write_text(PARTIAL)
    with DmrDouble() as dmr:
        done = run("docstrings", "one.py", "--write", cwd=tmp_path, env=at(dmr))
        assert questions(dmr) == [["encoding", "strict", "returns", "raises FileNotFoundError"]]
    assert done.code == 0
    text = (tmp_path / "one.py").read_text()
    for kept in PARTIAL.splitlines():
        assert kept in text.splitlines()
    docstring = ast.get_docstring(ast.parse(text).body[0])  # type: ignore[arg-type]
    assert docstring is not None
    order = [
        docstring.index(part) for part in ("theirs", "path:", "encoding:", "strict:", "Returns:", "Raises:")
    ]
    assert order == sorted(order)


STYLES = [
    pytest.param("google", "    Args:\n        first: ", id="google"),
    pytest.param("numpy", "    Parameters\n    ----------\n    first\n", id="numpy"),
    pytest.param("sphinx", "    :param first: ", id="sphinx"),
]
SHOWN = {
    "google": '"""Say.\n\n    Args:\n        item: what is said\n    """',
    "numpy": '"""Say.\n\n    Parameters\n    ----------\n    item\n        What is said.\n    """',
    "sphinx": '"""Say.\n\n    :param item: what is said\n    """',
}


def test_the_style_is_the_one_asked_for_or_the_one_in_use(tmp_path: Path) -> None:
    def check(style: str, expected: str) -> None:
        here = folder_with(tmp_path, fresh="def two(first, second):\n    print(first, second)\n")
        with DmrDouble() as dmr:
            asked = run("docstrings", "fresh.py", "--style", style, cwd=here, env=at(dmr))
            (here / "human.py").write_text(f"def say(item):\n    {SHOWN[style]}\n    print(item)\n")
            found = run("docstrings", ".", cwd=here, env=at(dmr))
        assert asked.code == found.code == 0
        for ran in (asked, found):
            added = "".join(line[1:] + "\n" for line in ran.text.splitlines() if line.startswith("+ "))
            assert expected in added

    each(STYLES, check)


def test_kinds_says_what_gets_a_docstring(shop: Path) -> None:
    with DmrDouble() as dmr:
        flag = ("--kinds", "functions,classes,modules")
        every = run("docstrings", "shop", "--write", *flag, cwd=shop, env=at(dmr))
        check = run("docstrings", "shop", "--check", *flag, cwd=shop, env=at(dmr))
    assert every.code == check.code == 0
    tree = ast.parse((shop / "shop" / "cart.py").read_text())
    classes = [node for node in tree.body if isinstance(node, ast.ClassDef)]
    assert ast.get_docstring(tree)
    assert len(classes) == 3
    assert all(map(ast.get_docstring, classes))


@pytest.mark.parametrize("option", [(), ("--format", "json")], ids=["text", "json"])
def test_check_reports_what_is_missing_and_needs_no_server(shop: Path, option: tuple[str, ...]) -> None:
    before = bytes_of(shop)
    found = run("docstrings", "shop", "--check", *option, cwd=shop)
    assert found.code == 1
    assert bytes_of(shop) == before
    if option:
        findings = found.report["findings"]
        assert len(findings) == SHOP_ITEMS
        first = findings[0]
        assert (first["path"], first["line"], first["rule"]) == ("shop/cart.py", 25, "docstring-missing")
        assert len({one["fingerprint"] for one in findings}) == SHOP_ITEMS
        assert {one["severity"] for one in findings} == {"error"}
    else:
        lines = found.text.splitlines()
        assert len(lines) == SHOP_ITEMS
        assert lines[0].startswith("shop/cart.py:25: ")
        assert "Line.subtotal" in lines[0]


def test_check_is_content_where_all_is_documented(shop: Path) -> None:
    with DmrDouble() as dmr:
        run("docstrings", "shop", "--write", cwd=shop, env=at(dmr))
    done = run("docstrings", "shop", "--check", cwd=shop)
    assert (done.code, done.out) == (0, b"")
    other = run("docstrings", "shop", "--check", "--kinds", "classes", "--format", "json", cwd=shop)
    assert other.code == 1
    assert {one["message"].split()[0] for one in other.report["findings"]} == {"class"}


def test_check_counts_a_file_that_cannot_be_judged(tmp_path: Path) -> None:
    (tmp_path / "bad.py").write_text("def (:\n")
    (tmp_path / "good.py").write_text("def good():\n    return 1\n")
    done = run("docstrings", ".", "--check", "--format", "json", cwd=tmp_path)
    assert done.code == 3
    assert [one["path"] for one in done.report["findings"]] == ["good.py"]
    assert [one["status"] for one in done.report["outcomes"]] == ["failed"]


OWN_RAISES = {"WORKFLOW_HUB_DOCSTRINGS_RAISES_THROUGH": "0"}
OUTCOME_KEYS = {"item", "path", "line", "status", "reason", "cached", "route", "usage", "result"}


def test_the_json_report_is_all_there_is_on_stdout(tmp_path: Path) -> None:
    (tmp_path / "bad.py").write_text("def (:\n")
    (tmp_path / "good.py").write_text("def good(item):\n    return item\n")
    with DmrDouble() as dmr:
        done = run("docstrings", ".", "--format", "json", "-v", cwd=tmp_path, env=at(dmr))
    assert done.code == 3
    report = done.report
    assert (report["task"], report["version"]) == ("docstrings", 1)
    assert [(one["path"], one["severity"]) for one in report["findings"]] == [("good.py", "info")]
    assert report["summary"]["items"] == len(report["outcomes"]) == 2
    assert all(set(one) == OUTCOME_KEYS for one in report["outcomes"])
    bad, good = report["outcomes"]
    assert (bad["item"], bad["status"], bad["route"]) == ("bad.py", "failed", None)
    assert "syntax error" in bad["reason"]
    assert (good["item"], good["path"], good["line"], good["status"]) == (
        "good.py::good",
        "good.py",
        1,
        "done",
    )
    assert good["route"] == {
        "rule": "code",
        "provider": "dmr",
        "model": "ai/qwen3-coder",
        "fallback_from": None,
    }
    assert good["usage"]["prompt_tokens"] > 0
    assert good["result"]["proof"]
    compile(f'def good(item):\n    """{good["result"]["docstring"]}"""', "docstring", "exec")


def test_the_json_report_says_where_an_exception_comes_from(tmp_path: Path) -> None:
    code = "def good(item):\n    if not item:\n        raise KeyError\n\n\ndef more(item):\n    good(item)\n"
    (tmp_path / "good.py").write_text(code)
    with DmrDouble() as dmr:
        done = run("docstrings", ".", "--format", "json", cwd=tmp_path, env=at(dmr))
        own = run("docstrings", ".", "--format", "json", cwd=tmp_path, env=at(dmr) | OWN_RAISES)
    said = {"exception": "KeyError", "guard": "not item"}
    assert [one["result"]["evidence"] for one in done.report["outcomes"]] == [
        [{**said, "line": 3, "path": [], "at": None}],
        [{**said, "line": 7, "path": ["good"], "at": "good:3"}],
    ]
    assert [len(one["result"]["evidence"]) for one in own.report["outcomes"]] == [1, 0]


@pytest.mark.parametrize("option", [(), ("--format", "json")], ids=["patch", "json"])
def test_output_takes_what_stdout_would_get(shop: Path, option: tuple[str, ...]) -> None:
    with DmrDouble() as dmr:
        shown = run("docstrings", "shop/money.py", *option, cwd=shop, env=at(dmr))
        kept = run("docstrings", "shop/money.py", *option, "--output", "to", cwd=shop, env=at(dmr))
    assert kept.out == b""
    if option:
        assert json.loads((shop / "to").read_bytes())["outcomes"]
    else:
        assert (shop / "to").read_bytes() == shown.out


def test_output_into_nowhere_is_refused_before_anybody_is_asked(shop: Path) -> None:
    before = bytes_of(shop)
    with DmrDouble() as dmr:
        done = run("docstrings", "shop", "--write", "--output", "no/where", cwd=shop, env=at(dmr))
        assert dmr.requests == []
    assert done.code == 2
    assert "no/where" in done.err or "no" in done.err
    assert bytes_of(shop) == before


@pytest.mark.parametrize(
    ("option", "slots", "peak"),
    [
        pytest.param((), 4, 4, id="as many as the server has slots"),
        pytest.param(("--jobs", "1"), 4, 1, id="one at a time"),
        pytest.param(("--jobs", "2"), 4, 2, id="two at a time"),
    ],
)
def test_jobs_bounds_what_is_in_flight(shop: Path, option: tuple[str, ...], slots: int, peak: int) -> None:
    busy = Busy()
    with DmrDouble(slots=slots, answer=busy) as dmr:
        done = run("docstrings", "shop", *option, cwd=shop, env=at(dmr))
        assert busy.most == peak
    assert done.code == 0


def test_order_is_that_of_the_source_whoever_answers_first(shop: Path) -> None:
    waits = iter(range(1000))

    def answer(body: dict[str, Any]) -> Any:
        return Delay(0.05) if next(waits) % 3 == 0 else plain_answer(body)

    with DmrDouble(answer=answer) as dmr:
        done = run("docstrings", "shop", "--format", "json", cwd=shop, env=at(dmr))
    places = [(one["path"], one["line"]) for one in done.report["outcomes"]]
    assert places == sorted(places)
    assert len(places) == SHOP_ITEMS


def test_quiet_says_nothing(shop: Path) -> None:
    with DmrDouble() as dmr:
        done = run("docstrings", "shop", "-q", cwd=shop, env=at(dmr))
    assert (done.code, done.err) == (0, "")
    assert done.out


@pytest.mark.parametrize("check", [(), ("--check",)], ids=["write", "check"])
def test_quiet_still_tells_what_failed(tmp_path: Path, check: tuple[str, ...]) -> None:
    (tmp_path / "bad.py").write_text("def broken(:\n")
    done = run("docstrings", "bad.py", "-q", *check, cwd=tmp_path)
    assert done.code == 3
    (line,) = done.err.splitlines()
    assert line.startswith("  failed   bad.py:1: ")


def test_quiet_still_tells_an_error(shop: Path) -> None:
    done = run("docstrings", "nowhere", "-q", cwd=shop)
    assert done.code == 2
    assert "nowhere" in done.err


def test_verbose_names_all_that_was_skipped(tmp_path: Path) -> None:
    for number in range(8):
        (tmp_path / f"link{number}.py").symlink_to("/etc/hostname")
    with DmrDouble() as dmr:
        short = run("docstrings", ".", cwd=tmp_path, env=at(dmr))
        long = run("docstrings", ".", "-v", cwd=tmp_path, env=at(dmr))
        assert dmr.chats == []
    named = [sum(f"link{number}.py" in ran.err for number in range(8)) for ran in (short, long)]
    assert named[1] == 8 > named[0]
    assert "-v" in short.err


COLOR = [
    pytest.param({}, (), False, id="a pipe"),
    pytest.param({"FORCE_COLOR": "1"}, (), True, id="FORCE_COLOR"),
    pytest.param({"FORCE_COLOR": "1", "NO_COLOR": "1"}, (), False, id="NO_COLOR wins"),
    pytest.param({"FORCE_COLOR": "1"}, ("--no-color",), False, id="--no-color wins"),
    pytest.param({"FORCE_COLOR": "1"}, ("--output", "to"), False, id="never in a file"),
]


def test_color(tmp_path: Path) -> None:
    def check(env: dict[str, str], option: tuple[str, ...], colored: bool) -> None:
        here = folder_with(tmp_path, one="def one(item):\n    return item\n")
        done = run("docstrings", "one.py", *option, cwd=here, env=at(dmr) | env)
        out = (here / "to").read_bytes() if "to" in option else done.out
        assert b"def one" in out
        assert (b"\x1b[" in out) is colored

    with DmrDouble() as dmr:
        each(COLOR, check)


def test_a_program_run_by_its_module_is_the_same(shop: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "workflow_hub", "docstrings", "shop", "--check"], cwd=shop, capture_output=True
    )
    assert done.returncode == 1
    assert done.stdout == run("docstrings", "shop", "--check", cwd=shop).out


def test_a_project_that_is_named_like_the_standard_library_is_not_imported(tmp_path: Path) -> None:
    for name in ("json", "types", "click", "rich", "httpx", "anyio", "yaml", "sitecustomize"):
        (tmp_path / f"{name}.py").write_text(
            "raise SystemExit('imported')\n\n\ndef one(item):\n    return item\n"
        )
    with DmrDouble() as dmr:
        done = run("docstrings", ".", "--write", "--format", "json", cwd=tmp_path, env=at(dmr))
    assert done.code == 0
    assert done.report["summary"]["done"] == 8
