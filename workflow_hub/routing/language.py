"""The language of a prompt, from its small words: no model, no dictionary."""

from __future__ import annotations

import re
from collections import Counter
from functools import cache

from workflow_hub.routing.quoted import path_pattern

SAMPLE_CHARACTERS = 600  # the small words are everywhere; more text tells nothing new

# Words that prompts in a language use and the others do not, or rarely; prompts are short, so their
# favourite verbs are among them.
SMALL_WORDS = {
    "en": """the a an of to and in is are what how why which this that these my our your please can could
        would should do does did i you we it with for from on all run fix write explain add create make
        show tell list open check find use delete rename change not be give get set move put replace
        remove update install start restart build save read convert compare translate summarize summarise
        refactor implement generate count search who when where hi hello thanks has have""",
    "de": """der die das den dem des ein eine einen einer und ist sind was wie warum wieso welche welcher
        welches in im ich du wir mir mich mein meine bitte kannst könntest kann für mit von auf zu nicht
        aus an am alle alles mal schreib schreibe erkläre erklär zeig lösche führe starte danke hallo
        datei dateien projekt wo woran soll lies gib mach such suche baue prüf prüfe öffne räum fass
        fasse stell installiere refaktoriere übersetze behebe ändere ersetze füge hinzu benenne
        verschiebe schau sag erzähl nenne ergänze erstelle korrigiere entferne vergleiche""",
    "fr": """le la les l un une des du de d et est sont que qu quel quelle quels quelles comment pourquoi
        je tu nous vous mon ma mes ce cette ces s'il te plaît peux pourrais pour avec dans sur pas tous
        toutes écris explique lance bonjour merci fichier fichiers moi j c ai fais donne au aux où
        est-ce corrige supprime ajoute crée installe redémarre annule affiche lis trouve vérifie
        traduis résume renomme remplace déplace refactorise exécute ouvre cherche montre rédige
        envoie modifie change mets liste raconte qui échoue en par""",
    "es": """el la los las un una unos y es son qué que cómo como por para con en del de al me mi mis
        puedes podrías puedo está este esta estos todos todas no se lo escribe explica ejecuta hola
        gracias archivo archivos favor dime haz borra crea arregla dame quiero instala reinicia resume
        busca abre comprueba deshaz cuál dónde he muchas cuéntame traduce añade elimina renombra
        reemplaza mueve refactoriza corrige cambia encuentra muéstrame muestra escríbeme redacta envía
        modifica agrega lista corre lee verifica actualiza falla""",
}
WORD = re.compile(r"[^\W\d_]+")
HAN = re.compile(r"[\u4e00-\u9fff]")
KANA_OR_HANGUL = re.compile(r"[\u3040-\u30ff\uac00-\ud7af]")
LATIN = re.compile(r"[A-Za-zÀ-ɏ]")
# A mark that one of the languages has and the others do not.
MARKS = {
    **dict.fromkeys("ßäöü", "de"),
    **dict.fromkeys("çèêœà", "fr"),
    **dict.fromkeys("ñ¿¡íóú", "es"),
}


@cache
def _speakers() -> dict[str, tuple[str, ...]]:
    speakers: dict[str, list[str]] = {}
    for language, words in SMALL_WORDS.items():
        for word in set(words.split()):
            speakers.setdefault(word, []).append(language)
    return {word: tuple(languages) for word, languages in speakers.items()}


def language_of(text: str) -> str:
    """ "en", "de", "fr", "es" or "zh"; "und" where nothing tells.

    Of a long text the first 600 characters are read. Chinese is told by its characters, the
    others by small words and by letters that only they have; the most hits win, and a tie goes to
    the language that is named first above.
    """
    sample = path_pattern().sub(" ", text[:SAMPLE_CHARACTERS].lower())
    if KANA_OR_HANGUL.search(sample):
        return "und"
    words = WORD.findall(sample)
    if len(HAN.findall(sample)) * 2 >= len([word for word in words if word.isascii()]) and HAN.search(sample):
        return "zh"
    speakers = _speakers()
    hits: Counter[str] = Counter(language for word in words for language in speakers.get(word, ()))
    hits.update(MARKS[letter] for letter in sample if letter in MARKS)
    return max(SMALL_WORDS, key=lambda language: hits[language]) if hits else "und"


def unread_script(text: str) -> bool:
    """Whether most letters are of a script that no table of ours reads (Cyrillic, Kana, Arabic, …)."""
    sample = text[:SAMPLE_CHARACTERS]
    if sample.isascii():
        return False
    letters = [letter for letter in sample if letter.isalpha()]
    read = sum(1 for letter in letters if LATIN.match(letter) or HAN.match(letter))
    kana = sum(1 for letter in letters if KANA_OR_HANGUL.match(letter))
    return kana > 0 or read * 2 < len(letters)
