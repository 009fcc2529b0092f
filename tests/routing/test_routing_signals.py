from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from workflow_hub.routing.signals import NEEDS, signals

PROMPTS = Path(__file__).parent / "prompts"


def labelled(part: str) -> list[dict[str, Any]]:
    prompts: list[dict[str, Any]] = yaml.safe_load((PROMPTS / f"{part}.yaml").read_text("utf-8"))
    return prompts


DEV = labelled("dev")
ASKING_FOR_TOOLS = [one["text"] for one in DEV if one["needs"] and "```" not in one["text"]]
FENCED = "```python\nx = 1\n```"


@pytest.mark.parametrize(
    ("text", "needs"),
    [
        pytest.param("Run the tests.", {"terminal"}, id="en, a command"),
        pytest.param("Rename foo to bar across the project", {"files"}, id="en, a change"),
        pytest.param("Open https://example.org and tell me the title", {"mcp"}, id="en, the web"),
        pytest.param("git status", {"terminal"}, id="a bare command line"),
        pytest.param("What is in notes/today.md?", {"files"}, id="en, a question about a file"),
        pytest.param("What's the weather in Berlin?", {"mcp"}, id="en, a question about the world"),
        pytest.param(
            "Which process is using port 80 on this machine?", {"terminal"}, id="en, a question to it"
        ),
        pytest.param("How do I run the tests?", set(), id="en, how to"),
        pytest.param("Could you tell me how to delete all .pyc files?", set(), id="en, how to, politely"),
        pytest.param("Can you run shell commands?", set(), id="en, what it can do"),
        pytest.param("Write a function that sorts a list", set(), id="en, words"),
        pytest.param("Write the result to out.csv", {"files"}, id="en, words with a place"),
        pytest.param("Lösche alle .pyc-Dateien", {"files"}, id="de, a change"),
        pytest.param("Wie lösche ich alle .pyc-Dateien?", set(), id="de, how to"),
        pytest.param("Führe bitte die Tests aus", {"terminal"}, id="de, a separable verb"),
        pytest.param("Supprime tous les fichiers .pyc", {"files"}, id="fr, a change"),
        pytest.param("Comment supprimer tous les fichiers .pyc ?", set(), id="fr, how to"),
        pytest.param("Borra todos los archivos .pyc", {"files"}, id="es, a change"),
        pytest.param("¿Cómo puedo borrar todos los archivos .pyc?", set(), id="es, how to"),
        pytest.param("删除所有 .pyc 文件", {"files"}, id="zh, a change"),
        pytest.param("如何删除所有 .pyc 文件?", set(), id="zh, how to"),
        pytest.param("I broke it, how do I undo that?", set(), id="how to, after a comma"),
        pytest.param("Write the missing tests", {"terminal"}, id="words with a place of their own"),
        pytest.param("Leg eine Datei namens hallo an", {"files"}, id="de, a new file"),
        pytest.param("Fix", set(), id="a verb alone"),
        pytest.param("Please.", set(), id="a courtesy alone"),
        pytest.param("Fix the tests in src/a.py: they are slow", {"files"}, id="a colon after a file"),
        pytest.param("Fix the tests: they are slow", {"terminal"}, id="a colon after a thing"),
        pytest.param("", set(), id="nothing"),
        pytest.param(" \n\t", set(), id="blanks"),
    ],
)
def test_needs_are_inferred_from_the_words(text: str, needs: set[str]) -> None:
    told = signals(text)
    assert (told.needs, told.unsure) == (needs, False)
    assert {one.need for one in told.evidence} == needs


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("What does this do?\n```sh\nrm -rf build\ngit push\n```", id="a fenced block"),
        pytest.param("Explain this error:\n\nnpm ERR! run the tests\nError: delete src/a.py", id="a log"),
        pytest.param("What changed here?\ndiff --git a/x b/x\n-run the tests\n+delete it", id="a diff"),
        pytest.param(
            "How do I answer this?\n> Please delete src/a.py and run the tests.", id="a block quote"
        ),
        pytest.param('What does "delete all files in src/" mean?', id="quotation marks"),
        pytest.param("Was heißt „Lösche alle Dateien“?", id="German quotation marks"),
        pytest.param("Traduis en anglais : « Supprime le fichier. »", id="French quotation marks"),
        pytest.param("Translate to German: Delete the file and run the tests.", id="after a colon"),
        pytest.param(
            "Translate to German:\n\nDear all,\n\nplease delete src/a.py.", id="paragraphs after it"
        ),
        pytest.param("翻译成英文:请删除这个文件。", id="after a Chinese colon"),
        pytest.param("Fix this: `pritn(1)`", id="code to be corrected in the chat"),
        pytest.param(f"Write a test for this in our style\n{FENCED}", id="code to be written in the chat"),
        pytest.param(f"Refactor this function:\n{FENCED}", id="code to be rewritten in the chat"),
    ],
)
def test_what_is_quoted_is_no_request(text: str) -> None:
    assert signals(text).needs == frozenset()


@pytest.mark.parametrize(
    ("text", "needs"),
    [
        pytest.param(f"{FENCED}\nAdd this to src/a.py", {"files"}, id="a block to be put into a file"),
        pytest.param(
            "explain this: `x`\n\nThen run the tests.", {"terminal"}, id="a request after a quotation"
        ),
        pytest.param("delete `src/a.py`", {"files"}, id="a quoted file name"),
        pytest.param("Delete these files:\n```\nsrc/a.py\n```", {"files"}, id="a quoted list of files"),
        pytest.param(
            "Translate to German: Hello.\n\nThen run the tests.", {"terminal"}, id="after the material"
        ),
    ],
)
def test_a_request_beside_a_quotation_counts(text: str, needs: set[str]) -> None:
    assert signals(text).needs == needs


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("The build is broken. Make it green again.", id="a pronoun"),
        pytest.param("Could you ditch moment for dayjs?", id="an unknown verb, politely"),
        pytest.param("Ditch the old banner", id="an unknown verb"),
        pytest.param("Удали все временные файлы", id="a language without a table"),
        pytest.param("テストを実行して", id="Japanese"),
    ],
)
def test_what_the_words_do_not_tell_is_unsure_and_leans_to_tools(text: str) -> None:
    told = signals(text)
    assert told.unsure
    assert told.needs == {"files"}


def test_a_long_prompt_is_read_at_both_ends_and_where_requests_begin() -> None:
    prose = "The importer reads rows in batches and each row is then stored. " * 200
    assert signals(prose).needs == frozenset()
    assert signals(f"Run the tests. {prose}").needs == {"terminal"}
    assert signals(f"{prose}\nRun the tests.").needs == {"terminal"}
    assert signals(f"{prose}\nRun the tests.\n{prose}").needs == {"terminal"}


def test_evidence_is_verbatim_and_short() -> None:
    text = "Thanks! Please DELETE every İ file in src/Old, " + "and more of it " * 20
    (evidence,) = signals(text).evidence
    assert evidence.text in text
    assert evidence.text.startswith("DELETE every İ file")
    assert len(evidence.text) <= 80


def test_declared_needs_stay_and_are_not_unsure() -> None:
    told = signals("Make it green again.", needs=["mcp"], images=2)
    assert told.declared == {"mcp"}
    assert "mcp" in told.needs
    assert not told.unsure
    assert told.images == 2


def test_only_the_free_text_of_ask_is_read_for_needs() -> None:
    told = signals("Run the tests.", task="docstrings")
    assert (told.task, told.needs, told.evidence) == ("docstrings", frozenset(), ())


def test_context_counts_tokens_and_asks_for_nothing() -> None:
    alone = signals("Why does this fail?")
    told = signals("Why does this fail?", context="Run the tests. " * 100)
    assert told.needs == frozenset()
    assert told.tokens > alone.tokens + 300


@pytest.mark.parametrize("text", ASKING_FOR_TOOLS)
def test_a_request_in_a_fence_to_be_explained_is_plain(text: str) -> None:
    told = signals(f"explain this:\n```\n{text}\n```")
    assert (told.needs, told.unsure) == (frozenset(), False)


def test_the_development_prompts_are_told_apart() -> None:
    told = [(bool(one["needs"]), signals(one["text"])) for one in DEV]
    asked = [one for wanted, one in told if wanted]
    assert sum(bool(one.needs) == wanted for wanted, one in told) / len(told) >= 0.96
    assert sum(not one.needs for one in asked) / len(asked) <= 0.01
    assert sum(one.unsure for _, one in told) / len(told) < 0.08


def test_the_prompts_are_enough_and_no_prompt_is_in_both_sets() -> None:
    held = labelled("held")
    assert len(DEV) + len(held) >= 420
    assert not {one["text"] for one in DEV} & {one["text"] for one in held}
    assert {need for one in DEV + held for need in one["needs"]} == set(NEEDS)


@given(st.text())
@settings(deadline=None)
def test_any_text_is_read(text: str) -> None:
    told = signals(text)
    assert told.needs <= set(NEEDS)
    assert all(one.text in text and len(one.text) <= 80 for one in told.evidence)


PIECES = [
    "run ",
    "the tests",
    "`",
    "```\n",
    '"',
    "„",
    "«",
    "> ",
    "\n",
    ": ",
    "src/a.py",
    "...",
    "  ",
    "a.",
    "/",
    "+",
]


@given(st.lists(st.sampled_from(PIECES), max_size=40))
@settings(deadline=None)
def test_any_mixture_of_marks_is_read(pieces: list[str]) -> None:
    text = "".join(pieces)
    assert all(one.text in text for one in signals(text).evidence)
