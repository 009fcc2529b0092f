from __future__ import annotations

import pytest

from workflow_hub.routing.features import (
    EDGE_CHARACTERS,
    end_features,
    features,
    letter_features,
    sentences,
    word_features,
)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        pytest.param("", [], id="nothing"),
        pytest.param("...\n!", [], id="marks alone"),
        pytest.param("Run it. Why?", [("run", "it"), ("why",)], id="two sentences"),
        pytest.param("one\n- two", [("one",), ("two",)], id="lines"),
        pytest.param("v1.2 of it", [("v", "<n>", "<n>", "of", "it")], id="a dot inside, and numbers"),
        pytest.param("don’t it's", [("don't", "it's")], id="apostrophes"),
        pytest.param("Fix src/a.py now", [("fix", "<path>", "now")], id="a file"),
        pytest.param("see https://a.example/b now", [("see", "<url>", "now")], id="an address"),
        pytest.param('What is "rm -rf /"?', [("what", "is", "<quote>")], id="a quotation"),
        pytest.param("explain\n```\na\n\nb\n```", [("explain",), ("<block>",)], id="a block, once"),
        pytest.param("把 foo 改名\u3002好\uff1f", [("把", "foo", "改", "名"), ("好",)], id="Chinese"),
        pytest.param("Удали файл", [("удали", "файл")], id="any script"),
    ],
)
def test_a_text_is_sentences_of_words(text: str, found: list[tuple[str, ...]]) -> None:
    assert [sentence.words for sentence in sentences(text)] == found


def test_a_sentence_knows_where_it_stands() -> None:
    text = "  Thanks!  Run İt, please.\n\n"
    assert [one.masked for one in sentences(text)] == ["Thanks!", "Run İt, please."]
    assert all(text.startswith(one.masked, one.start) for one in sentences(text))


def test_a_long_text_is_read_at_both_ends() -> None:
    text = "first words\n" + "filler\n" * 1000 + "last words"
    found = sentences(text)
    assert (found[0].words, found[-1].words) == (("first", "words"), ("last", "words"))
    assert sum(len(one.masked) for one in found) <= 3 * EDGE_CHARACTERS
    assert text.endswith(found[-1].masked)


def test_words_count_alone_in_rows_by_their_stems_and_with_the_first() -> None:
    (sentence,) = sentences("Restart the server")
    assert list(word_features(sentence)) == [
        *("restart", "the", "server"),
        *("^ restart", "restart the", "the server", "server $"),
        *("^ resta-", "resta- the-", "the- serve-", "serve- $"),
        *("^ resta- the-", "resta- the- serve-", "the- serve- $"),
        *("^ _ the-", "resta- _ serve-", "the- _ $"),
        *("restart & the", "restart & server"),
        *(". & restart", ". & the", ". & server"),
        *(".", "words=0"),
    ]


def test_the_sentences_at_the_ends_count_as_such() -> None:
    found = sentences("It broke. Since noon. Why?")
    assert list(end_features(found)) == [
        *("first: it", "first: broke", "first: ^ it", "first: it broke", "first: broke $"),
        *("last: why", "last: ^ why", "last: why $"),
    ]
    assert list(end_features(found[:1])) == []


@pytest.mark.parametrize("mark", ["?", "\uff1f"])
def test_a_question_is_another_mood(mark: str) -> None:
    (sentence,) = sentences(f"好{mark}")
    assert {"?", "? & 好"} <= set(word_features(sentence))


def test_letters_count_across_words() -> None:
    (sentence,) = sentences("No pi")
    assert list(letter_features(sentence)) == [
        " n",
        "no",
        "o ",
        " p",
        "pi",
        "i ",
        " no ",
        "no p",
        "o pi",
        " pi ",
    ]


def test_a_word_and_its_letters_are_two_things() -> None:
    told = features(sentences("to to"))
    assert not told.words & told.letters
