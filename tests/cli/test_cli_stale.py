"""`docstrings --fix-stale`: the human's words stay, and nobody is asked where nothing is to be said."""

from __future__ import annotations

from pathlib import Path

from cli_help import at, folder_with, git, questions, run
from doubles.dmr import DmrDouble

STALE = '''\
def boil(cup, heat_s, now):
    r"""Boil  it.

    Args:
        heat (int): How\\long,
            "at most".
        cup: What for.
        lid: Whether.

    Returns:
        Something.
    """
    print(cup)


def pour(cup):
    return cup
'''
# The lines that a patch takes out and puts in.
OUT = [
    b"        heat (int): How\\long,",
    b"        cup: What for.",
    b"        lid: Whether.",
    b"",
    b"    Returns:",
]
OUT += [b"        Something."]
IN = [b"        cup: What for.", b"        heat_s (int): How\\long,"]


def test_what_needs_no_words_needs_no_model(tmp_path: Path) -> None:
    folder = folder_with(tmp_path, a=STALE.replace(", now", ""))
    git("init", "-q", cwd=folder)
    patch = run("docstrings", "a.py", "--fix-stale", cwd=folder)
    lines = patch.out.splitlines()[4:]
    taken, put = ([line[1:] for line in lines if line.startswith(sign)] for sign in (b"-", b"+"))
    assert (patch.code, taken, put) == (0, OUT, IN), patch.err
    git("apply", cwd=folder, data=patch.out)
    applied = (folder / "a.py").read_bytes()
    (folder / "a.py").write_text(STALE.replace(", now", ""))
    written = run("docstrings", "a.py", "--fix-stale", "--write", "--format", "json", cwd=folder)
    assert (folder / "a.py").read_bytes() == applied
    assert written.report["summary"]["done"] == 1 and written.report["summary"]["model_calls"] == 0
    assert written.report["outcomes"][0]["result"]["proof"]["ast_equal"] is True
    again = run("docstrings", "a.py", "--fix-stale", "--write", cwd=folder)
    assert (again.code, again.err, (folder / "a.py").read_bytes()) == (0, "nothing to do\n", applied)
    left = run("docstrings", "a.py", "--check", cwd=folder)
    assert left.text == "a.py:12: function pour has no docstring [docstring-missing]\n"


def test_what_is_new_is_asked_for_once(tmp_path: Path) -> None:
    quiet = 'def sip(cup):\n    """Sip.\n\n    Args:\n        cup: It.\n        lid: Whether.\n    """\n'
    folder = folder_with(tmp_path, a=STALE + "\n\n" + quiet)
    with DmrDouble() as dmr:
        offered = run("docstrings", "a.py", "--fix-stale", "--format", "json", cwd=folder, env=at(dmr))
        assert len(questions(dmr)) == 1
        dmr.chats.clear()
        written = run("docstrings", "a.py", "--fix-stale", "--write", cwd=folder, env=at(dmr))
        again = run("docstrings", "a.py", "--fix-stale", "--write", cwd=folder, env=at(dmr))
        assert dmr.chats == []
    finding, other = offered.report["findings"]
    assert other["message"] == "the docstring of function sip: lid taken out"
    assert (offered.report["summary"]["cached"], offered.report["outcomes"][1]["route"]) == (0, None)
    assert (finding["rule"], finding["severity"]) == ("param-unknown", "info")
    assert finding["message"] == (
        "the docstring of function boil: heat renamed to heat_s, lid taken out, returns taken out, "
        "parameters put in order, now added"
    )
    assert "2 repaired" in written.err and "nothing to do" in again.err
    lines = (folder / "a.py").read_text().splitlines()
    assert lines[4:7] == [
        "        cup: What for.",
        "        heat_s (int): How\\long,",
        '            "at most".',
    ]
    assert lines[7].startswith("        now: ")


def test_only_what_changed_is_repaired(tmp_path: Path) -> None:
    folder = folder_with(tmp_path, a=STALE.replace(", now", ""))
    git("init", "-q", cwd=folder)
    git("add", ".", cwd=folder)
    git("-c", "user.name=a", "-c", "user.email=a@b", "commit", "-q", "-m", "x", cwd=folder)
    assert run("docstrings", "--changed", "--fix-stale", cwd=folder).out == b""
    (folder / "a.py").write_text(STALE.replace(", now", "").replace("print(cup)", "print(cup, 1)"))
    assert run("docstrings", "--changed", "--fix-stale", cwd=folder).out.count(b"heat_s") == 1


def test_to_repair_is_not_to_check(tmp_path: Path) -> None:
    done = run("docstrings", ".", "--check", "--fix-stale", cwd=tmp_path)
    assert (done.code, "exclude each other" in done.err) == (2, True)


def test_what_a_docstring_quotes_is_put_right_by_what_git_remembers(tmp_path: Path) -> None:
    code = (
        'def boil(heat: int = 3):\n    """Boil it.\n\n    Args:\n        heat (int): 3 by default.\n    """\n'
    )
    folder = folder_with(tmp_path, a=code)
    git("init", "-q", cwd=folder)
    git("add", ".", cwd=folder)
    git("-c", "user.name=a", "-c", "user.email=a@b", "commit", "-q", "-m", "x", cwd=folder)
    changed = code.replace("int = 3", "float = 4.5")
    (folder / "a.py").write_text(changed)
    assert "default of heat changed from 3 to 4.5" in run("docstrings", ".", "--check", cwd=folder).text
    (finding,) = run("docstrings", ".", "--fix-stale", "--format", "json", cwd=folder).report["findings"]
    assert finding["rule"] == "docstring-stale"
    assert finding["message"] == (
        "the docstring of function boil: default of heat changed from 3 to 4.5, "
        "type of heat changed from int to float"
    )
    run("docstrings", ".", "--fix-stale", "--write", cwd=folder)
    assert (folder / "a.py").read_text() == changed.replace("(int): 3", "(float): 4.5")
    assert "nothing to do" in run("docstrings", ".", "--fix-stale", cwd=folder).err


def test_without_a_history_the_rest_is_repaired(tmp_path: Path) -> None:
    folder = folder_with(tmp_path, a=STALE.replace(", now", ""))
    done = run("docstrings", "a.py", "--fix-stale", cwd=folder)
    assert done.out.count(b"heat_s") == 1
    assert "docstring-stale is not judged: not a git repository" in done.err
