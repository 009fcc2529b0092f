"""The real Goose on a copy of a work tree: the user's folder has what it did only where that is wanted."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest
from doubles.scripted_model import Break, Call, Hang, Say, ScriptedModel
from goose_work import Work, becomes

from workflow_hub.errors import ReplyInvalid, RequestRefused, SourceRefused, UsageError
from workflow_hub.providers import goose
from workflow_hub.providers.goose import Rule
from workflow_hub.values import Files

ANY_COMMAND = (Rule("shell"),)
EDIT = Call("edit", {"path": "cart.py", "before": "one", "after": "two"})


@pytest.fixture
def shop(project: Path) -> Path:
    """A folder of a work tree, with a file that is not committed."""
    shop = project / "shop"
    shop.mkdir()
    subprocess.run(["git", "init", "-q"], cwd=project, check=True)
    (project / ".gitignore").write_text("*.log\n")
    (shop / "cart.py").write_text("one\n")
    return shop


def test_the_users_folder_stays_as_it_is(work: Work, shop: Path) -> None:
    command = "echo x > a.log; git add cart.py && git status --short"
    script = [EDIT, Call("shell", {"command": command}), Say("done")]
    outcome, model = work(script, folder=shop, in_copy=True, allow=ANY_COMMAND)
    assert outcome.error is None
    assert (shop / "cart.py").read_text() == "one\n"
    assert outcome.files == Files(changed=("shop/cart.py",))
    assert (b"-one\n+two\n" in outcome.patch, outcome.applied) == (True, False)
    assert outcome.notes == ("ignored by git, and so left behind in the copy: shop/a.log",)
    assert "A  cart.py" in model.results()[1], "git works there"
    subprocess.run(["git", "apply"], cwd=shop.parent, input=outcome.patch, check=True)
    assert (shop / "cart.py").read_text() == "two\n"


def test_it_is_taken_over(work: Work, shop: Path) -> None:
    """Without what the command that verifies leaves behind."""
    verify = "grep -q two cart.py && touch trace && echo x > cart.py"
    outcome, _ = work([EDIT, Say("done")], folder=shop, in_copy=True, apply=True, verify=verify)
    assert outcome.error is None and outcome.applied
    assert (shop / "cart.py").read_text() == "two\n"
    assert outcome.files == Files(changed=("shop/cart.py",)) and b"trace" not in outcome.patch
    assert not (shop / "trace").exists()
    assert outcome.notes == (f"`{verify}` exits with 0",)


def test_what_does_not_hold_is_not_taken_over(work: Work, shop: Path) -> None:
    outcome, _ = work([EDIT, Say("done")], folder=shop, in_copy=True, apply=True, verify="false")
    assert isinstance(outcome.error, ReplyInvalid)
    assert (shop / "cart.py").read_text() == "one\n"
    assert b"+two" in outcome.patch and not outcome.applied


def test_what_was_done_before_a_failure_is_a_patch(work: Work, shop: Path) -> None:
    outcome, _ = work([EDIT, Break("then")], folder=shop, in_copy=True, apply=True)
    assert isinstance(outcome.error, RequestRefused)
    assert b"+two" in outcome.patch and not outcome.applied


def test_what_the_user_changed_meanwhile_stays(work: Work, shop: Path) -> None:
    def heard(event: goose.Event) -> None:
        if isinstance(event, goose.ToolFinished):
            (shop / "cart.py").write_text("mine\n")

    outcome, _ = work([EDIT, Say("It is done.")], folder=shop, in_copy=True, apply=True, on_event=heard)
    assert isinstance(outcome.error, SourceRefused)
    assert "changed while the agent worked on a copy: shop/cart.py;" in str(outcome.error)
    assert outcome.error.partial == "It is done."
    assert (shop / "cart.py").read_text() == "mine\n"
    assert b"+two" in outcome.patch and not outcome.applied


def test_there_is_nothing_to_take_over_in_place(work: Work) -> None:
    with pytest.raises(UsageError, match="leave out `apply`, or work in a copy"):
        work([Say("x")], apply=True)


PARENT = """
import anyio, sys
from pathlib import Path
from workflow_hub.providers import goose
model = goose.Model("m", sys.argv[2])
request = goose.AgentRequest("do", Path(sys.argv[1]), model, in_copy=True, verify="sleep 600")
async def work():
    await goose.run(request, on_event=lambda event: print(type(event).__name__, flush=True))
anyio.run(work)
"""


@pytest.mark.parametrize("last", [Hang("now"), Say("now")], ids=["at work", "verifying"])
def test_no_copy_survives_a_killed_parent(
    shop: Path, env: dict[str, str], tmp_path: Path, last: Hang | Say
) -> None:
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    with ScriptedModel([EDIT, last]) as model:
        parent = subprocess.Popen(
            [sys.executable, "-c", PARENT, str(shop), model.url],
            stdout=subprocess.PIPE,
            text=True,
            env={**env, "TMPDIR": str(temporary)},
        )
        assert parent.stdout is not None
        with parent.stdout:
            assert "TextDelta\n" in iter(parent.stdout.readline, "")
            assert [path.read_text() for path in temporary.glob("*/tree/shop/cart.py")] == ["two\n"]
            if isinstance(last, Say):
                assert becomes(lambda: [*temporary.glob("*/verified")])
            parent.send_signal(signal.SIGKILL)
            parent.wait()
        assert becomes(lambda: not [*temporary.iterdir()])
    assert (shop / "cart.py").read_text() == "one\n"
