"""How one sentence of a prompt is judged, by the words of its language."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Literal

from workflow_hub.routing.quoted import MASK, path_pattern
from workflow_hub.routing.words import WORDS, Words

URL = re.compile(
    r"\bhttps?://\S|\bwww\.\w+\.\w|\blocalhost:\d|\b[\w-]+\.(?:com|org|net|io|dev|ai|gov|edu)\b(?!\()"
)
COLON = re.compile(r"[::](?!//)(?=\s|[^\x00-\x7f]|$|[A-Za-z])")
FEW_WORDS = 12
COMMAND = re.compile(
    r"(?:\$ ?)?(?:sudo )?(?:"
    r"git (?:status|log|diff|add|commit|push|pull|fetch|checkout|switch|branch|stash|clone)"
    r"|(?:npm|pnpm|yarn|uv|cargo|go|pip|pip3|poetry|docker|docker-compose|kubectl|apt|brew|terraform) [a-z]"
    r"|ls(?: [-./~\w]|$)|rm -|cp \S+ \S|mv \S+ \S|cd \S|cat \S+\.|curl -|curl http"
    r"|make (?:install|all|clean|build|test|check)\b"
    r"|pytest(?: -| tests|$)|ruff (?:check|format)|mypy(?: \S|$)|python3? -?[\w/.-]+|node \S+\.js"
    r"|chmod |ssh \w|whoami$|pwd$|df -|du -)"
)
# Files that every project of a kind has: a question about one is a question about the tool.
KNOWN_FILES = frozenset(
    """pyproject.toml package.json package-lock.json tsconfig.json requirements.txt setup.py setup.cfg
    cargo.toml go.mod pom.xml .gitignore .env .dockerignore docker-compose.yml docker-compose.yaml
    yarn.lock uv.lock .bashrc .npmrc conftest.py __init__.py settings.py manage.py index.html
    robots.txt nginx.conf readme.md .editorconfig""".split()
)
CONTENT = re.compile(
    r"\b(?:(?:what's|what is|whats|what are|anything) (?:in|inside|written in)|contents? of|summar\w+|says?|"
    r"steht|inhalt|contient|contenu|contenido|contiene|hay en|our|my)\b|写了什么|里有什么|内容"
)
WORD = re.compile(r"\w")
NO_COMMAND = re.compile(r"[?]|\bvs\b|n't\b")
Finding = tuple[str, int]  # a need, and where in the prompt its words begin
Mood = Literal["sure", "plain", "doubtful", "hinted"]
# What follows a verb and is not in the project yet: "add a …", "list five …".
INDEFINITE = re.compile(
    r"(?:an?|one|two|three|four|five|six|seven|eight|nine|ten|some|more|only|as|in|at|to|on|from|between"
    r"|into|with|for|like|by|up|me|us|simple|short|bullet|ein\w*|zwei|drei|une?|deux|trois|una|dos|tres|unos)\b"
    r"|\d|\W"
)
DEFINITE = re.compile(
    r"\s(?:the|our|my|all)\s(?:missing|needed|remaining|other|new|first|\w+\stests?\b|tests?\b|docs\b)"
)
ADDING = re.compile(r"(?:add|introduce|insert|include|füge?|ergänze?|bau\w*|ajoute[rz]?|añad\w+|agrega\w*) ")
PARTICLES = frozenset("out up off down away in back over".split())
DOT_INSIDE = re.compile(r"\.\w|\\")
PRONOUN = re.compile(r"\s(?:them|it|one|those)\b")
# Things that a prompt can list and yet not hold: "delete these files: …".
MANY = re.compile(
    r"files?\b|folders?\b|director|datei|ordner|verzeichnis|fichier|dossier|archivo|carpeta|文件|目录"
    r"|\btests?\b|branch|packages|dependenc|container"
)
MADE = re.compile(
    r"(?:create|make|add|open|initiali[sz]e|list|show(?: me)?|give me|erstell\w*|leg\w*|zeig\w*(?: mir)?"
    r"|crée[rz]?|créer|crea\w*|affiche|haz)"
    r" (?:\S+ ){0,4}?(?P<what>file|folder|directory|branch|ticket|issue|pull request|pull requests|pr"
    r"|repo|repository|commit|commits|tag|venv|cron job|migration|endpoint|component|test file|files"
    r"|processes|containers|branches|issues|datei|ordner|verzeichnis|fichier|dossier|archivo|carpeta|rama|branche)\b"
)
MADE_NEEDS = {
    **dict.fromkeys(("ticket", "issue", "issues", "pull request", "pull requests", "pr"), "mcp"),
    **dict.fromkeys(
        ("branch", "branches", "commit", "commits", "tag", "venv", "cron job", "processes"), "terminal"
    ),
    **dict.fromkeys(("containers", "repo", "repository", "rama", "branche"), "terminal"),
}
BEFORE_WORD = r"(?<![\w-])"
Search = Callable[[str], re.Match[str] | None]
At = Callable[..., re.Match[str] | None]  # takes a place to begin and to end, too


@dataclass(frozen=True, slots=True)
class Verdict:
    """The needs of a sentence.

    `mood`: "sure" of them; "plain", a clear wish for words; "doubtful", a request of which the
    tables do not know what it is about; "hinted", the same, unless another sentence wants words.
    """

    found: list[Finding]
    mood: Mood = "sure"


@dataclass(frozen=True, slots=True)
class Sentence:
    """One sentence in lower case, where it starts in the prompt, and what the prompt attaches."""

    text: str
    start: int
    quotes: bool  # the prompt quotes something
    failure: bool = False  # and what it quotes is a failure: a log, a traceback

    def after(self, characters: int) -> Sentence:
        """What is left of the sentence behind its first characters."""
        return Sentence(self.text[characters:], self.start + characters, self.quotes, self.failure)


def _skip_blanks(text: str, start: int) -> int:
    return len(text) - len(text[start:].lstrip())


@cache
def rules_of(language: str) -> Rules:
    """The rules for a language, made once."""
    return Rules(WORDS[language])


class Rules:
    """The table of one language as compiled expressions, and how a sentence is judged by them.

    Every expression takes time linear in the sentence: repetitions are bounded or stand alone.
    """

    def __init__(self, words: Words) -> None:
        self.words = words
        start = rf"(?:^|[,:;(–—-]\s*|\b(?:{_choice(words.clauses)})\s+)" if words.clauses else ""
        verbs = " ".join((*words.does.values(), words.vague))
        objects = " ".join((words.things["files"], words.things["terminal"]))
        gap = r"\s(?:[\w-]+\s){0,2}" if words.spaced else ".{0,3}"
        self.lead = re.compile(rf"(?:{_choice(words.lead)})" + (r"[\s,.!:]+" if words.spaced else "")).match
        self.howto = _first(words, words.howto)
        self.howto_inside = re.compile(rf"(?<=[,:;]\s)(?:and |but )?(?:{_choice(words.howto)})(?!\w)").search
        self.polite = _anywhere(words, words.polite)
        self.question = _first(words, words.question)
        self.explain = _first(words, words.explain)
        self.compose = _first(words, words.compose)
        self.works = _at_start(words, words.material)
        self.begins = _at_start(words, f"{words.polite} {verbs}")
        self.does = {need: _anywhere(words, some, start) for need, some in words.does.items()}
        self.any_verb = _anywhere(words, verbs, start)
        self.things = {need: _anywhere(words, things) for need, things in words.things.items()}
        self.state = {need: _anywhere(words, state) for need, state in words.state.items()}
        self.any_state = _anywhere(words, " ".join(words.state.values()))
        self.owned = _anywhere(words, f"(?:{_choice(words.owned)}){gap}(?:{_choice(objects)})")
        self.here = _anywhere(words, words.here)
        self.texts = _anywhere(words, words.texts)
        self.attached = _anywhere(words, words.attached)
        self.all = _anywhere(words, words.all)
        self.small = frozenset(words.small.split())

    def without_lead(self, sentence: Sentence) -> Sentence:
        """The sentence without greetings and courtesy at its start."""
        for _ in range(4):
            lead = self.lead(sentence.text)
            if not lead:
                break
            sentence = sentence.after(lead.end())
        return sentence

    def material(self, sentence: Sentence, text: str) -> tuple[int, int] | None:
        """Where in the sentence its material begins ("translate to German: …"), and where in `text` it ends.

        Material on the line of the colon goes to the end of the paragraph, below it to the end of
        the text. None where there is none, or where it is quoted anyway.
        """
        head = sentence.text[:160]
        colon = COLON.search(head)
        if not colon:
            return None
        begin = _skip_blanks(text, sentence.start + colon.end())
        if begin == len(text) or text[begin] == MASK:
            return None
        whole = Sentence(head[: colon.start()], sentence.start, False)
        if not any(self.works(one.text) or self.explain(one.text) for one in (whole, self._request(whole))):
            return None
        if _path_in(whole.text) or self.here(whole.text):
            return None
        if self._named(whole.text) and not self.attached(whole.text):
            return None
        below = "\n" in text[sentence.start + colon.start() : begin]
        end = -1 if below else text.find("\n\n", begin)
        return colon.end(), end if end >= 0 else len(text)

    def judge(self, sentence: Sentence) -> Verdict:
        """What one sentence needs, and how sure that is."""
        text = sentence.text
        if COMMAND.match(text) and len(text.split()) <= FEW_WORDS and not NO_COMMAND.search(text):
            return Verdict([("terminal", sentence.start)])
        if self.howto(text):
            return _answered([] if self.words.spaced else self._looked_up(sentence))
        if self.howto_inside(text):
            return _answered([])
        request = self._request(sentence)
        polite = request is not sentence
        if not polite and (self.question(text) or text.rstrip(" )\"'").endswith(("?", "?"))):
            return _answered(self._looked_up(sentence))
        if self.words.spaced and self.howto(request.text):
            return _answered([])
        if self.explain(request.text):
            return _answered(self._looked_up(request))
        return self._requested(request, polite)

    def _request(self, sentence: Sentence) -> Sentence:
        """What comes after "could you please", or the sentence itself."""
        rest = sentence
        for _ in range(3):
            polite = self.polite(rest.text)
            if not polite or (self.words.spaced and rest is not sentence and polite.start() > 1):
                break
            after = rest.text[polite.end() :]
            if not WORD.search(after):
                return sentence if rest is sentence else rest
            if self.words.spaced and not self.words.clauses and polite.start() > 1:
                break  # a courtesy within the sentence, whose verbs are found wherever they stand
            rest = rest.after(len(rest.text) - len(after.lstrip(" ,")))
        return rest

    def _looked_up(self, sentence: Sentence) -> list[Finding]:
        """What a question needs looked up: a file of the project, the state of a machine, the web."""
        text = sentence.text
        found = self._stated(sentence)
        if not sentence.quotes and self.owned(text):
            found.append(("files", sentence.start))
        path = _path_in(text)
        if path and (path.group().rsplit("/", 1)[-1] not in KNOWN_FILES or CONTENT.search(text)):
            found.append(("files", sentence.start))
        return found

    def _stated(self, sentence: Sentence) -> list[Finding]:
        """What only a look at the project, the machine or the web can tell, by the words alone."""
        found: list[Finding] = []
        if self.any_state(sentence.text):
            found = [(need, sentence.start) for need, state in self.state.items() if state(sentence.text)]
        if URL.search(sentence.text):
            found.append(("mcp", sentence.start))
        return found

    def _requested(self, sentence: Sentence, polite: bool) -> Verdict:
        text = sentence.text
        composing, verb = self.compose(text), self.any_verb(text)
        doing = [
            (need, match.start()) for need, verbs in self.does.items() if verb and (match := verbs(text))
        ]
        first_deed = min((at for _, at in doing), default=len(text))
        if composing and (self.words.spaced or composing.start() < first_deed):
            return self._composed(sentence, composing.end(), doing)
        if not verb:
            return self._without_verb(sentence, polite)
        return self._done(sentence, verb, doing, polite)

    def _without_verb(self, sentence: Sentence, polite: bool) -> Verdict:
        """No verb that a table knows: something may be to be done all the same."""
        stated = self._stated(sentence)
        if stated or sentence.quotes or self.texts(sentence.text):
            return Verdict(stated)
        if polite:
            return Verdict([("files", sentence.start)], "doubtful")
        hinted = _path_in(sentence.text) or self._begins_with_verb(sentence.text)
        return Verdict([("files", sentence.start)], "hinted") if hinted else Verdict([])

    def _done(self, sentence: Sentence, verb: re.Match[str], doing: list[Finding], polite: bool) -> Verdict:
        """Something is to be done, if the verb means that or its object is of the project."""
        text = sentence.text
        state = self._looked_up(sentence)
        attached = sentence.quotes and self.attached(text) is not None
        placed = _path_in(text) is not None or self.here(text) is not None
        if doing:
            runs = any(need == "terminal" for need, _ in doing)
            if not placed and (self.texts(text) or (attached and not runs and not MANY.search(text))):
                return _answered([])
            return Verdict([*((need, sentence.start + at) for need, at in doing), *state])
        here = sentence.start + verb.start()
        if placed:
            return Verdict([("files", here), *state])
        if attached or self.texts(text):
            return _answered(state)
        if named := self._named(text):
            return Verdict([*((need, here) for need in named), *state])
        if state:
            return Verdict(state)
        return self._vaguely(sentence, text[verb.end() :].split(), here, polite)

    def _begins_with_verb(self, text: str) -> bool:
        """Whether the sentence looks like an unknown verb and its object: "ditch the …", "ditch all …"."""
        words = text.split(None, 3)
        if not self.words.spaced or len(words) < 3 or words[0].strip(",.:;!") in self.small:
            return False
        return words[0].isalpha() and any(
            self.all(word) for word in words[1 : 3 if words[1] in PARTICLES else 2]
        )

    def _vaguely(self, sentence: Sentence, rest: list[str], here: int, polite: bool) -> Verdict:
        """A verb that may mean doing, with an object that no table knows."""
        if not rest or not self.words.spaced:
            return Verdict([])
        pointed = self.all(rest[0]) is not None
        if pointed and (sentence.failure or not sentence.quotes):
            return Verdict([("files", here)], "doubtful")
        if not sentence.quotes and ADDING.match(sentence.text) and not rest[-1][:1].isdigit():
            return Verdict([("files", here)], "hinted")
        if sentence.quotes or INDEFINITE.match(rest[0]):
            return Verdict([])
        return Verdict([("files", here)], "doubtful" if polite else "hinted")

    def _named(self, text: str) -> list[str]:
        return [need for need, thing in self.things.items() if thing(text)]

    def _composed(self, sentence: Sentence, end: int, doing: list[Finding]) -> Verdict:
        """Something is to be written: in the chat, unless it has a place in the project."""
        text = sentence.text
        if state := self._looked_up(sentence):
            return Verdict(state)
        path = _path_in(text)
        if path or self.here(text):
            if sentence.quotes and self.attached(text) and not path:
                return _answered([])
            return Verdict([("files", sentence.start)])
        at_head = [(need, sentence.start) for need, at in doing if at == 0]
        if at_head:
            return Verdict(at_head)
        if made := MADE.match(text):
            return Verdict([(MADE_NEEDS.get(made.group("what"), "files"), sentence.start)])
        if DEFINITE.match(text, end) and self._named(text) and not sentence.quotes:
            return Verdict([(need, sentence.start) for need in self._named(text)])
        if PRONOUN.match(text, end) and not sentence.quotes:
            return Verdict([("files", sentence.start)], "doubtful")
        return _answered([])


def _path_in(text: str) -> re.Match[str] | None:
    """The first file or folder name; most sentences are passed over by a far cheaper look."""
    return path_pattern().search(text) if "/" in text or DOT_INSIDE.search(text) else None


def _answered(found: list[Finding]) -> Verdict:
    """A sentence that wants words: plain, unless they are to be looked up."""
    return Verdict(found, "sure" if found else "plain")


def _choice(entries: str) -> str:
    return "|".join(entry.replace("_", r"\s") for entry in entries.split())


def _at_start(words: Words, entries: str) -> At:
    return re.compile(f"(?:{_choice(entries)})" + (r"(?!\w)" if words.spaced else "")).match


def _anywhere(words: Words, entries: str, start: str = "") -> Search:
    if not words.spaced:
        return re.compile(_choice(entries)).search
    end = r"(?![\w-])" if start else r"(?!\w)"  # "run-time" is no verb, "répare-le" is
    return re.compile(rf"{start or BEFORE_WORD}(?:{_choice(entries)}){end}").search


def _first(words: Words, entries: str) -> Search:
    """Looks at the start of a sentence; anywhere in it where words are not separated."""
    return _at_start(words, entries) if words.spaced else _anywhere(words, entries)
