from __future__ import annotations

import unicodedata

import pytest
from doubles.dmr import HOSTILE
from hypothesis import given
from hypothesis import strategies as st

from workflow_hub.tasks.docstrings.slots import Slot
from workflow_hub.tasks.docstrings.words import (
    COPIED,
    INSTEAD,
    SILENT,
    Spoken,
    instead,
    refusal,
    restates,
    runs_of,
    tidy,
    words_of,
)

SUMMARY, URL, RETURNS = Slot("summary"), Slot("parameter", "url"), Slot("returns")
KNOWN = frozenset({"fetch", "url", "retries", "session", "get", "FetchError", "parse_row", "str", "None"})

TIDY = [
    pytest.param("Download a page.", "Download a page.", id="as it is"),
    pytest.param("  Download \n\t a\r\n page. ", "Download a page.", id="one line"),
    pytest.param('"Download a page."', "Download a page.", id="quoted"),
    pytest.param("'`Download a page.`'", "Download a page.", id="quoted twice"),
    pytest.param("\"it's\" or 'that'", "\"it's\" or 'that'", id="quotes within"),
    pytest.param('"', '"', id="a quote alone"),
    pytest.param("- address of the page", "address of the page", id="bullet"),
    pytest.param("This function downloads a page.", "downloads a page.", id="preamble"),
    pytest.param("The method is used to download a page.", "download a page.", id="longer preamble"),
    pytest.param("A function that downloads a page.", "downloads a page.", id="a function that"),
    pytest.param("a class of pages", "a class of pages", id="a class of something"),
    pytest.param("This function the function downloads.", "downloads.", id="two preambles"),
    pytest.param("This function", "This function", id="nothing but a preamble"),
    pytest.param("Download a page. It may fail.", "Download a page.", id="first sentence"),
    pytest.param("Wait... Then go on", "Wait... Then go on", id="an ellipsis ends no sentence"),
    pytest.param("a page, e.g. the first one", "a page, e.g. the first one", id="abbreviation"),
    pytest.param("Is it `x`? `y` is not.", "Is it `x`?", id="question"),
    pytest.param("a page to download,", "a page to download", id="a comma at the end"),
    pytest.param("if the page is not a str: %s", "if the page is not a str", id="the place of a value"),
    pytest.param("if no page has that url: {url!r} ", "if no page has that url", id="the place of a name"),
    pytest.param("", "", id="empty"),
]


@pytest.mark.parametrize(("text", "tidied"), TIDY)
def test_a_text_becomes_one_sentence_in_one_line(text: str, tidied: str) -> None:
    assert tidy(text) == tidied


# Pieces that meet every branch, and texts of any kind.
PIECES = [
    "this function ",
    "the method is used to ",
    '"',
    "'",
    "`",
    "- ",
    ". ",
    "A",
    "b",
    "\n",
    "...",
    "! (",
    "x y",
]
TEXTS = st.one_of(
    st.text(),
    st.lists(st.sampled_from([*PIECES, *HOSTILE[:12], "TODO", "a_b()", '"""']), max_size=8).map("".join),
)


@given(TEXTS)
def test_tidying_twice_is_tidying_once(text: str) -> None:
    once = tidy(text)
    assert tidy(once) == once
    assert not set(once) & set("\n\r\t\x0b\x0c\x1c\x85\u2028\u2029")


@given(TEXTS, st.sampled_from([SUMMARY, URL, RETURNS]), st.sets(st.text(max_size=5), max_size=3))
def test_what_may_stand_is_printable_and_short_and_ends_no_literal(
    text: str, slot: Slot, about: set[str]
) -> None:
    for candidate in (text, tidy(text)):
        reason = refusal(candidate, slot, about, KNOWN)
        if reason is None:
            assert '"""' not in candidate and "'''" not in candidate and "```" not in candidate
            assert not {unicodedata.category(sign) for sign in candidate} & {"Cc", "Cs", "Zl", "Zp"}
            assert not set(candidate) & set("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\ufeff")
            assert 0 < len(candidate) <= 200
            assert len(candidate.split()) > 1 or not candidate.isascii()
        else:
            assert reason in INSTEAD
            assert "\n" not in reason and "\n" not in instead(reason)


GOOD = [
    pytest.param("Download a page, trying again after failed attempts.", SUMMARY, set(), id="summary"),
    pytest.param("address of the page to download", URL, {"url", "str"}, id="says more than its name"),
    pytest.param("what `session.get` said last", RETURNS, set(), id="names that the code knows"),
    pytest.param("None if fetch() gave up", RETURNS, set(), id="a call that the code knows"),
    pytest.param("rows, as parse_row wants them", URL, set(), id="snake case that the code knows"),
    pytest.param("a page, e.g. the first one", URL, set(), id="abbreviation"),
    pytest.param('the word "fetch" as it is', URL, set(), id="plain quotes"),
    pytest.param("backslashes \\ and { braces } are words", URL, set(), id="backslash and braces"),
    pytest.param("naïve — “quotes” and 日本語 beside words", URL, set(), id="not only ASCII"),
    pytest.param("how many of 3 remain", URL, set(), id="numbers"),
    pytest.param("読み込むページの住所", URL, {"url", "str"}, id="no Latin letter, and no blanks"),
    pytest.param("адрес страницы", URL, {"url", "str"}, id="no Latin letter"),
    pytest.param("a list of pages to visit", URL, {"url", "list"}, id="its type and what is in it"),
    pytest.param("true if the page was found", RETURNS, set(), id="when it is true"),
    pytest.param("None or the last page", RETURNS, set(), id="nothing or something"),
    pytest.param("share of pages in % so far, 100% so", URL, set(), id="per cent"),
    pytest.param("what stands between { and } there", URL, set(), id="braces apart"),
]


@pytest.mark.parametrize(("text", "slot", "about"), GOOD)
def test_good_words_may_stand(text: str, slot: Slot, about: set[str]) -> None:
    assert tidy(text) == text
    assert refusal(text, slot, about, KNOWN) is None


BAD = [
    pytest.param("", URL, "was empty", id="empty"),
    pytest.param(" .,;: ", URL, "was empty", id="punctuation"),
    pytest.param('a page """ and more', URL, "contained quotes or a code block", id="triple quotes"),
    pytest.param("a page ''' and more", URL, "contained quotes or a code block", id="triple single quotes"),
    pytest.param("a page ```x```", URL, "contained quotes or a code block", id="code block"),
    pytest.param("a page\x07", URL, "contained control characters", id="bell"),
    pytest.param("a\npage", URL, "contained control characters", id="line end"),
    pytest.param("a page\u202egnp.", URL, "contained control characters", id="turned direction"),
    pytest.param("a page\ud800", URL, "contained control characters", id="half a surrogate pair"),
    pytest.param("word " * 41, URL, "was too long", id="too long"),
    pytest.param("w" * 80 + " " + "w" * 80, SUMMARY, "was too long", id="too long for a summary"),
    pytest.param("w" * 161, SUMMARY, "was a single word", id="a long word"),
    pytest.param("pages", URL, "was a single word", id="a word"),
    pytest.param("Pages.", SUMMARY, "was a single word", id="a word and a full stop"),
    pytest.param("session.get", RETURNS, "was a single word", id="a name"),
    pytest.param("TODO: describe the page", URL, "was a placeholder", id="to do"),
    pytest.param("null", URL, "was a single word", id="null as a word"),
    pytest.param("null !", URL, "was a placeholder", id="null and a sign"),
    pytest.param("Unknown.", URL, "was a single word", id="unknown"),
    pytest.param("Unknown ?", URL, "was a placeholder", id="unknown and a sign"),
    pytest.param("the address of the page ...", URL, "was a placeholder", id="dots"),
    pytest.param("<page title>", URL, "was a placeholder", id="angle brackets"),
    pytest.param("<description>", URL, "was a single word", id="a word in angle brackets"),
    pytest.param("[page title here]", URL, "was a placeholder", id="square brackets"),
    pytest.param("a short description of it", URL, "was a placeholder", id="short description"),
    pytest.param("raised for %r alone", URL, "was a message's format", id="format"),
    pytest.param("no page %s there", URL, "was a message's format", id="per cent s"),
    pytest.param("took %.2f of them", URL, "was a message's format", id="per cent with a width"),
    pytest.param("no page %(page)s there", URL, "was a message's format", id="per cent with a name"),
    pytest.param("no page {page!r} there", URL, "was a message's format", id="braces of a format"),
    pytest.param("no page {!r} there", URL, "was a message's format", id="braces without a name"),
    pytest.param("no page {} there", URL, "was a message's format", id="empty braces"),
    pytest.param("took {seconds:.1f} in all", URL, "was a message's format", id="braces with a width"),
    pytest.param("a dictionary", RETURNS, "only named the type", id="type"),
    pytest.param("true or false", RETURNS, "only named the type", id="the values of a type"),
    pytest.param("An optional list of strings.", URL, "only named the type", id="types in a sentence"),
    pytest.param("dictionaries, lists or tuples", URL, "only named the type", id="types in the plural"),
    pytest.param("integers", URL, "was a single word", id="a type alone"),
    pytest.param("take the page and then take the page and then", URL, "repeated itself", id="loop"),
    pytest.param("the url", URL, "only repeated the name", id="name"),
    pytest.param("The URLs to be used.", URL, "only repeated the name", id="name in other words"),
    pytest.param("fetched urls of the object", SUMMARY, "only repeated the name", id="name of the function"),
]


@pytest.mark.parametrize(("text", "slot", "reason"), BAD)
def test_bad_words_are_refused_for_a_stated_reason(text: str, slot: Slot, reason: str) -> None:
    assert refusal(text, slot, {"url", "fetch_url"}, KNOWN) == reason


def test_words_of_the_prompt_are_no_answer() -> None:
    words = "For each key a short, factual phrase about what the code does."
    spoken = Spoken(runs_of(words), frozenset())
    copied = "Short, factual phrase about what it does"
    assert refusal(copied, SUMMARY, set(), KNOWN, spoken) == "was copied from the instructions"
    assert refusal("short and factual words about pages", SUMMARY, set(), KNOWN, spoken) is None
    assert refusal(copied, SUMMARY, set(), KNOWN, SILENT) is None
    assert runs_of("three words only") == frozenset()


@pytest.mark.parametrize("text", ["a whole phrase", "Other words than its name.", "by what this code does"])
def test_the_advice_is_no_answer(text: str) -> None:
    assert refusal(text, SUMMARY, set(), KNOWN) == COPIED


def test_advice_that_is_said_of_a_name_is_no_answer() -> None:
    assert refusal("the page in other words than its name", URL, set(), KNOWN) == COPIED
    assert refusal("the page in other words", URL, set(), KNOWN) is None


# (text, what the code knows, whether it was copied)
ECHOES = [
    pytest.param("tea that was asked for", set(), True, id="a word of the example"),
    pytest.param("Tea, and what goes with it", set(), True, id="in capitals"),
    pytest.param("steam over the page", set(), False, id="a part of another word"),
    pytest.param("teams that were asked for", set(), False, id="a word that begins alike"),
    pytest.param("tea that was asked for", {"tea"}, False, id="the code says it"),
    pytest.param("tea that was asked for", {"WeakTeaError"}, False, id="in a longer name"),
    pytest.param("cups that were asked for", {"cup"}, False, id="with another ending"),
    pytest.param("tea that was asked for", {"cup"}, True, id="the code says another of them"),
    pytest.param("address that was asked for", set(), False, id="none of them"),
]


@pytest.mark.parametrize(("text", "names", "copied"), ECHOES)
def test_words_of_the_prompts_example_are_no_answer_unless_the_code_says_them(
    text: str, names: set[str], copied: bool
) -> None:
    spoken = Spoken(frozenset(), frozenset({"tea", "cups"}))
    reason = refusal(text, URL, set(), KNOWN | names, spoken)
    assert reason == ("was copied from the instructions" if copied else None)


# (reason, what the second question says after the slot's name)
ADVICE = [
    pytest.param("was a single word", "in a whole phrase", id="a reason of the table"),
    pytest.param("was a message's format", "in words, not as a format", id="another"),
    pytest.param("named max_tries, which the code does not know", "without max_tries", id="a stranger"),
    pytest.param("named 1,000, which the code does not know", "without 1,000", id="a number"),
    pytest.param('said "list", where it is dict[str, int]', 'without "list"', id="a claim"),
    pytest.param("was not answered", "in a whole phrase", id="a reason of the pipeline"),
]


@pytest.mark.parametrize(("reason", "advice"), ADVICE)
def test_the_second_question_says_what_to_do(reason: str, advice: str) -> None:
    assert instead(reason) == advice


@pytest.mark.parametrize("reason", sorted({str(param.values[2]) for param in BAD}))
def test_every_refusal_has_advice_that_does_not_say_the_reason_again(reason: str) -> None:
    assert reason in INSTEAD
    assert reason not in instead(reason)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("max_retryCount2", ["max", "retry", "count", "2"]),
        ("HTTPServer", ["http", "server"]),
        ("dict[str, Any]", ["dict", "str", "any"]),
        ("größeMax", ["größe", "max"]),
        ("", []),
    ],
)
def test_names_fall_into_words(name: str, words: list[str]) -> None:
    assert words_of(name) == words


@pytest.mark.parametrize(
    ("text", "names", "is_so"),
    [
        pytest.param("The retry count", {"retryCount"}, True, id="the same words"),
        pytest.param("counting retries", {"retries_count"}, True, id="other endings"),
        pytest.param("how often to try", {"retry_count"}, False, id="other words"),
        pytest.param("the object", set(), True, id="words that say nothing"),
        pytest.param("die Größe", {"größe", "die"}, True, id="not only ASCII"),
        pytest.param("адрес страницы", {"url"}, False, id="no Latin letter"),
    ],
)
def test_restating(text: str, names: set[str], is_so: bool) -> None:
    assert restates(text, names) is is_so
