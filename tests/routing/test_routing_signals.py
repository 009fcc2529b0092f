from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workflow_hub.routing.intent import if_done, needs_of, read, score_of
from workflow_hub.routing.signals import NEEDS, signals
from workflow_hub.routing.weights import HEADS

FENCED = "```python\nx = 1\n```"
# Clear to any reader; whoever trains the weights anew has these right.
CLEAR = [
    pytest.param("Run the tests.", {"terminal"}, id="en, a command"),
    pytest.param("Rename foo to bar across the project", {"files"}, id="en, a change"),
    pytest.param("Open https://example.org and tell me the title", {"mcp"}, id="en, the web"),
    pytest.param("What is in notes/today.md?", {"files"}, id="en, a question about a file"),
    pytest.param("Which process is using port 80 on this machine?", {"terminal"}, id="en, a question to it"),
    pytest.param("Write the result to out.csv", {"files"}, id="en, words with a place"),
    pytest.param("How do I delete a remote branch?", set(), id="en, how to"),
    pytest.param("Could you tell me how to delete all .pyc files?", set(), id="en, how to, politely"),
    pytest.param("I broke it, how do I undo that?", set(), id="en, how to, after a comma"),
    pytest.param("Can you run shell commands?", set(), id="en, what it can do"),
    pytest.param("Write a function that sorts a list", set(), id="en, words"),
    pytest.param("Lösche alle .pyc-Dateien", {"files"}, id="de, a change"),
    pytest.param("Führe bitte die Tests aus", {"terminal"}, id="de, a separable verb"),
    pytest.param("Wie lösche ich alle .pyc-Dateien?", set(), id="de, how to"),
    pytest.param("Was ist der Unterschied zwischen Liste und Tupel?", set(), id="de, a question"),
    pytest.param("Supprime tous les fichiers .pyc", {"files"}, id="fr, a change"),
    pytest.param("Lance les tests", {"terminal"}, id="fr, a command"),
    pytest.param("Comment supprimer tous les fichiers .pyc ?", set(), id="fr, how to"),
    pytest.param("Explique-moi ce qu'est une fermeture", set(), id="fr, a wish for words"),
    pytest.param("Borra todos los archivos .pyc", {"files"}, id="es, a change"),
    pytest.param("Ejecuta las pruebas", {"terminal"}, id="es, a command"),
    pytest.param("¿Cómo puedo borrar todos los archivos .pyc?", set(), id="es, how to"),
    pytest.param("¿Qué diferencia hay entre una lista y una tupla?", set(), id="es, a question"),
    pytest.param("删除所有 .pyc 文件", {"files"}, id="zh, a change"),
    pytest.param("运行一下测试", {"terminal"}, id="zh, a command"),
    pytest.param("如何删除所有 .pyc 文件?", set(), id="zh, how to"),
    pytest.param("什么是闭包?", set(), id="zh, a question"),
    pytest.param("", set(), id="nothing"),
    pytest.param(" \n\t", set(), id="blanks"),
    pytest.param("?!", set(), id="marks alone"),
]


@pytest.mark.parametrize(("text", "needs"), CLEAR)
def test_clear_prompts_are_told_and_sure(text: str, needs: set[str]) -> None:
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
        pytest.param(f"Explain what this does:\n{FENCED}", id="code to be explained"),
    ],
)
def test_what_is_quoted_is_no_request(text: str) -> None:
    assert signals(text).needs == frozenset()


@pytest.mark.parametrize("text", [case.values[0] for case in CLEAR])
def test_what_stands_in_a_fence_makes_no_difference(text: str) -> None:
    told = read(f"explain this:\n```\n{text}\n```")
    assert told == read("explain this:\n```\nx\n```")
    assert (told.evidence, told.unsure) == ((), False)


@pytest.mark.parametrize(
    ("text", "needs"),
    [
        pytest.param(f"{FENCED}\nAdd this to src/a.py", {"files"}, id="a block to be put into a file"),
        pytest.param("delete `src/a.py`", {"files"}, id="a quoted file name"),
    ],
)
def test_a_request_beside_a_quotation_counts(text: str, needs: set[str]) -> None:
    assert signals(text).needs == needs


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("Удали все временные файлы", id="Russian"),
        pytest.param("テストを実行して", id="Japanese"),
        pytest.param("احذف الملفات", id="Arabic"),
    ],
)
def test_a_script_that_was_not_trained_on_is_unsure_and_leans_to_tools(text: str) -> None:
    told = signals(text)
    assert told.unsure
    assert [(one.need, one.text) for one in told.evidence] == [("files", text)]


def test_a_long_prompt_is_read_at_both_ends() -> None:
    prose = "The importer reads rows in batches and each row is then stored. " * 200
    assert read(f"{prose}\nWhy?\n{prose}") == read(f"{prose}\nRun the tests.\n{prose}")
    assert read(f"Run the tests. {prose}").score > read(prose).score
    assert read(f"{prose}\nRun the tests.").score > read(prose).score


def test_evidence_is_the_sentence_that_asks_verbatim() -> None:
    text = "Thanks a lot for yesterday. Please DELETE every İ file in src/Old. It was fun."
    assert [one.text for one in signals(text).evidence] == ["Please DELETE every İ file in src/Old."]


def test_of_a_long_sentence_evidence_is_the_clause_that_asks() -> None:
    chatter = "and the weather was as nice as we had hoped when we left for the sea"
    (evidence,) = signals(f"it was fun, {chatter}, so delete src/old.py, {chatter}").evidence
    assert evidence.text == "so delete src/old.py,"


def test_evidence_is_short_where_nothing_divides_it() -> None:
    (evidence,) = signals("delete src/old.py and " * 20).evidence
    assert len(evidence.text) <= 80


def test_of_a_sentence_with_a_long_quotation_evidence_is_not_what_is_quoted() -> None:
    quoted = "delete src/old.py and run the tests, " * 5
    (evidence,) = signals(f'Put the sentence "{quoted}", which we have from Ann, into README.md').evidence
    assert quoted[:20] not in evidence.text


def test_what_a_prompt_needs_if_it_is_to_be_done() -> None:
    text = "How do I delete src/old.py?"
    assert signals(text).needs == frozenset()
    assert [(one.need, one.text) for one in if_done(text)] == [("files", text)]
    assert if_done("") == ()


def test_the_score_says_how_sure() -> None:
    asks, explains = signals("Delete src/old.py"), signals("What is a context manager?")
    assert asks.score is not None and asks.score > 2
    assert explains.score is not None and explains.score < -2
    assert signals("Delete src/old.py", task="docstrings").score is None


def test_declared_needs_stay_and_are_not_unsure() -> None:
    told = signals("Удали все временные файлы", needs=["mcp"], images=2)
    assert told.declared == {"mcp"}
    assert told.needs == {"files", "mcp"}
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


PIECES = [
    *("run ", "the tests", "`", "```\n", '"', "„", "«", "> ", "\n", ": ", "src/a.py", "...", "  "),
    *("a.", "/", "+", "删除", "é", "\ufffc", "İ", "\r", "~~~\n", "https://x", "?", "words " * 100),
    *(f'"{"." * 90}" ', "delete ", ", ", ":" * 90),
]


@given(st.one_of(st.text(), st.lists(st.sampled_from(PIECES), max_size=40).map("".join)))
@settings(deadline=None)
def test_any_text_is_read_and_always_alike(text: str) -> None:
    told = signals(text)
    assert told.needs <= set(NEEDS)
    assert all(one.text in text and len(one.text) <= 80 for one in told.evidence)
    assert told == signals(text)


@pytest.mark.parametrize(
    ("scores", "score", "needs"),
    [
        pytest.param((1.0, -4.0, 3.0, -5.0), 2.0, ("terminal",), id="the likeliest counts beside the whole"),
        pytest.param((-3.0, -4.0, -1.0, -5.0), -2.0, ("terminal",), id="the likeliest, however unlikely"),
        pytest.param((2.0, 4.0, 0.5, -5.0), 3.0, ("files", "terminal"), id="two are likely"),
    ],
)
def test_what_is_needed_comes_of_all_four_scores(
    scores: tuple[float, ...], score: float, needs: tuple[str, ...]
) -> None:
    by_head = dict(zip(HEADS, scores, strict=True))
    assert (score_of(by_head), needs_of(by_head)) == (score, needs)
