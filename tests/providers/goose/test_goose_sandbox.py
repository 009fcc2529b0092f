"""The walls around an agent, as the real bubblewrap builds them: what can be done inside, and what not."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from doubles.scripted_model import Call, Say
from goose_work import Work

from workflow_hub.errors import Unavailable
from workflow_hub.providers.goose import Rule, Sandbox
from workflow_hub.providers.goose.sandbox import Walls, complaint, lacking, walls

ANY_COMMAND = (Rule("shell"),)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A user's home with secrets, a project, and programs of the user's own."""
    home = tmp_path / "home"
    for path in (".ssh/id", ".netrc", ".config/gh/hosts.yml", "diary.txt", "project/a.txt", "other/b.txt"):
        (home / path).parent.mkdir(parents=True, exist_ok=True)
        (home / path).write_text("hush")
    for path, text in {
        ".local/bin/mine": "#!/bin/sh\necho mine",
        "tools/thing-1/bin/thing": '#!/bin/sh\ncat "$(dirname "$(readlink -f "$0")")/../lib/words"',
        "tools/thing-1/lib/words": "thing",
        "tools/thing-1/secret": "hush",
    }.items():
        (home / path).parent.mkdir(parents=True, exist_ok=True)
        (home / path).write_text(text)
        (home / path).chmod(0o755)
    (home / ".local/bin/thing").symlink_to("../../tools/thing-1/bin/thing")
    (home / "project" / ".git" / "hooks").mkdir(parents=True)
    (home / "project" / ".git" / "config").write_text("[core]\n")
    return home


def inside(home: Path, command: str, folder: Path | None = None) -> subprocess.CompletedProcess[str]:
    """The command, done in the project behind walls."""
    work = folder or home / "project"
    env = {"HOME": str(home), "PATH": f"{home}/.local/bin:{os.environ['PATH']}"}
    built = walls(
        Sandbox.REQUIRE,
        writable=[work],
        readable=[work],
        programs=map(Path, env["PATH"].split(":")),
        env=env,
    )
    words = built.around(["/bin/sh", "-c", command])
    return subprocess.run(words, cwd=work, env=env, capture_output=True, text=True, timeout=30)


@pytest.mark.parametrize(
    ("command", "said"),
    [
        pytest.param("cat a.txt", "hush", id="reads its files"),
        pytest.param("echo x > new && cat new", "x\n", id="writes files"),
        pytest.param("echo x > .git/HEAD && cat .git/HEAD", "x\n", id="works with git"),
        pytest.param("echo x > /tmp/x && cat /tmp/x", "x\n", id="has a /tmp"),
        pytest.param("mine", "mine\n", id="runs the user's programs"),
        pytest.param("thing", "thing", id="runs a program behind a link, with what it needs"),
        pytest.param("ls -A ..", ".local\nproject\ntools\n", id="sees of the home what it needs"),
        pytest.param("cat /proc/1/comm", "bwrap\n", id="has processes of its own"),
        pytest.param("grep CapEff /proc/self/status", "CapEff:\t0000000000000000\n", id="no capabilities"),
        pytest.param("grep NoNewPrivs /proc/self/status", "NoNewPrivs:\t1\n", id="no new privileges"),
    ],
)
def test_what_can_be_done(home: Path, command: str, said: str) -> None:
    done = inside(home, command)
    assert (done.stdout, done.stderr, done.returncode) == (said, "", 0)


@pytest.mark.parametrize(
    "command",
    [
        pytest.param("cat ../.ssh/id", id="a key"),
        pytest.param("cat ../.netrc", id="passwords"),
        pytest.param("cat ../diary.txt", id="the rest of the home"),
        pytest.param("cat ../other/b.txt", id="another project"),
        pytest.param("cat ../tools/thing-1/secret", id="what lies beside a program"),
        pytest.param("echo x > ../.local/bin/mine", id="changing a program"),
        pytest.param("echo x > /etc/motd", id="the system"),
        pytest.param("touch /usr/x || touch /var/x", id="more of it"),
        pytest.param("echo x > .git/hooks/pre-commit", id="a hook of git"),
        pytest.param("echo x > .git/config", id="settings of git"),
        pytest.param("mv .git elsewhere", id="another place of git's own"),
        pytest.param(f"test -e /proc/{os.getpid()}", id="who started it"),
        pytest.param("test -S /run/docker.sock || ls /run | grep .", id="services of the machine"),
        pytest.param("mount -o remount,rw /", id="other walls"),
    ],
)
def test_what_cannot_be_done(home: Path, command: str) -> None:
    assert inside(home, command).returncode != 0


def test_the_network_is_there(home: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        assert inside(home, f"bash -c 'exec 3<>/dev/tcp/127.0.0.1/{port}'").returncode == 0


def test_a_second_work_tree_keeps_its_place(home: Path) -> None:
    """Its `.git` is a file, which names where git keeps its own."""
    second = home / "second"
    second.mkdir()
    (second / ".git").write_text("gitdir: ../project/.git/worktrees/second\n")
    assert inside(home, "cat .git", folder=second).returncode == 0
    assert inside(home, "echo x > .git || mv .git x", folder=second).returncode != 0


def test_work_in_the_home_itself_finds_no_secrets(home: Path) -> None:
    done = inside(home, "cat diary.txt .ssh/id .netrc; ls -A .config/gh", folder=home)
    assert done.stdout == "hush"
    assert "No such file" in done.stderr
    assert (home / ".ssh" / "id").read_text() == "hush"


def test_nobody_is_walled_in_where_it_is_off() -> None:
    built = walls(Sandbox.OFF, writable=[], readable=[], programs=[])
    assert built == Walls(note="nothing but approval held the agent back: goose.sandbox is off")
    assert built.around(["true"]) == ["true"]


NOT_HERE = "bubblewrap is not here; install it (Debian and Ubuntu: `apt install bubblewrap`)"
NOT_ALLOWED = "bubblewrap may not do its work here (no permissions)"


@pytest.mark.parametrize(
    ("script", "lacking"),
    [
        pytest.param(None, NOT_HERE, id="not installed"),
        pytest.param("#!/bin/sh\necho bwrap: no permissions >&2; exit 1", NOT_ALLOWED, id="not allowed"),
        pytest.param("#!/no/shell", "does not run here: ", id="not for this machine"),
    ],
)
def test_where_there_are_no_walls(tmp_path: Path, script: str | None, lacking: str) -> None:
    if script:
        (tmp_path / "bwrap").write_text(script)
        (tmp_path / "bwrap").chmod(0o755)
    env = {"PATH": str(tmp_path)}
    built = walls(Sandbox.AUTO, writable=[], readable=[], programs=[], env=env)
    assert built.words == ()
    assert built.note.startswith("nothing but approval held the agent back: ")
    assert lacking in built.note
    with pytest.raises(Unavailable) as raised:
        walls(Sandbox.REQUIRE, writable=[], readable=[], programs=[], env=env)
    assert str(raised.value).startswith("goose.sandbox is `require`, and ")
    assert lacking in str(raised.value)


def test_elsewhere_there_is_no_bubblewrap(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    assert lacking({"PATH": str(tmp_path)}) == "there is bubblewrap on Linux only"


def test_the_real_one_works_here() -> None:
    """Without it the tests above say little: install bubblewrap, and let it make user namespaces."""
    assert complaint("/usr/bin/bwrap") == ""


OUT = "echo x > ../out; echo $?; echo x > in; echo $?; ls -A $HOME/../.. | grep secret"


def test_the_agent_is_walled_in(work: Work, project: Path) -> None:
    (project.parent / "secret").write_text("hush")
    outcome, model = work([Call("shell", {"command": OUT}), Say("done")], allow=ANY_COMMAND)
    assert outcome.error is None
    assert outcome.files.created == ("in",)
    assert outcome.notes == ()
    assert "secret" not in model.results()[0].replace(OUT, "")
    assert not (project.parent / "out").exists() or (project.parent / "out").read_text() == ""


def test_git_works_in_a_second_work_tree(work: Work, project: Path) -> None:
    second = project.parent / "second"
    identity = ("-c", "user.name=ada", "-c", "user.email=ada@localhost")
    for words in (["init", "-q"], [*identity, "commit", "-q", "--allow-empty", "-m", "first"]):
        subprocess.run(["git", *words], cwd=project, check=True)
    subprocess.run(["git", "worktree", "add", "-q", str(second)], cwd=project, check=True)
    script = [Call("shell", {"command": "git log --format=%s"}), Say("done")]
    outcome, model = work(script, folder=second, allow=(*ANY_COMMAND, Rule("write", "docs/**")))
    assert outcome.error is None
    assert "first" in model.results()[0]


def test_a_rule_opens_a_folder_outside(work: Work, tmp_path: Path) -> None:
    site = tmp_path / "site"
    site.mkdir()
    script = [Call("write", {"path": f"{site}/index.html", "content": "hello"}), Say("done")]
    outcome, _ = work(script, allow=(Rule("write", f"{site}/*.html"),))
    assert outcome.error is None
    assert (site / "index.html").read_text() == "hello"


def test_a_rule_for_all_opens_nothing(work: Work, project: Path) -> None:
    """Everything would be there again, secrets included."""
    command = f"echo x > {project.parent}/out"
    rules = (Rule("shell"), Rule("write", "/**"), Rule("write", "/no/such/**"))
    outcome, _ = work([Call("shell", {"command": command}), Say("done")], allow=rules)
    assert outcome.error is None
    assert not (project.parent / "out").exists()


def test_without_walls_the_outcome_says_so(work: Work) -> None:
    outcome, _ = work([Say("done")], sandbox=Sandbox.OFF)
    assert outcome.notes == ("nothing but approval held the agent back: goose.sandbox is off",)
