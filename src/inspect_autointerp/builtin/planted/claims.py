"""Claims about the planted latents: each explanation as its text and, beside it, as its meaning."""

import re
from dataclasses import dataclass
from functools import cached_property


@dataclass(frozen=True)
class Claim:
    """An explanation that is a predicate."""

    text: str
    """Text that a grader reads."""
    pattern: str
    """Meaning: a regular expression over text as graders see it (`render.visible`). If it has a group, the latent
    fires on the group, and the text around it is the condition."""

    @cached_property
    def _compiled(self) -> re.Pattern[str]:
        return re.compile(self.pattern)

    def spans(self, text: str) -> list[tuple[int, int]]:
        """The characters of a text that it speaks of, as (start, end), in order."""
        group = 1 if self._compiled.groups else 0
        return [match.span(group) for match in self._compiled.finditer(text)]

    def holds(self, text: str) -> bool:
        """Return whether the text has any."""
        return self._compiled.search(text) is not None


def _words(*words: str) -> str:
    return rf"\b(?:{'|'.join(words)})\b"


WARM = ("red", "orange", "amber", "scarlet", "crimson")
COLD = ("blue", "azure", "indigo", "teal", "navy")
MATERIALS = ("wooden", "silken", "leaden", "iron", "glass")
SPELLED = ("eleven", "forty", "ninety", "seven", "twelve")
PEOPLE = ("Alice", "Boris", "Clara", "Daniel", "Esther")
CITIES = ("Kyoto", "Lagos", "Lima", "Oslo", "Paris")
CAPITALS = ("FIFA", "NASA", "NATO", "OPEC", "UNESCO")
STATES = ("alone", "awake", "late", "ready", "sure")
"""Words that follow `not`, `never` and `very`, and occur without them too."""
IN_ROUND, IN_SQUARE, ASKED = ("chapter", "note", "page"), ("draft", "sketch", "table"), ("how", "when", "who")
TITLES, TASKS, PLEAS = ("annals", "maps", "notes"), ("carry", "mend", "paint"), ("grant", "hear", "spare")

CLAIMS = {
    "warm": Claim(f"names of warm colours: {', '.join(WARM)}", _words(*WARM)),
    "cold": Claim(f"names of cold colours: {', '.join(COLD)}", _words(*COLD)),
    "colour": Claim("names of colours, warm or cold", _words(*WARM, *COLD)),
    "material": Claim(f"words for what a thing is made of: {', '.join(MATERIALS)}", _words(*MATERIALS)),
    "look": Claim("words for the colour or the material of a thing", _words(*WARM, *COLD, *MATERIALS)),
    "reds": Claim("the words scarlet and crimson", _words("scarlet", "crimson")),
    "blues": Claim("the words teal and navy", _words("teal", "navy")),
    "iron": Claim("the words iron and glass", _words("iron", "glass")),
    "year": Claim("a year in digits: a number of four digits", r"\b\d{4}\b"),
    "digit": Claim("a number of a single digit", r"\b\d\b"),
    "number": Claim("numbers written in digits", r"\b\d+\b"),
    "spelled": Claim(f"numbers written as words: {', '.join(SPELLED)}", _words(*SPELLED)),
    "quantity": Claim("numbers, in digits or as words", rf"\b\d+\b|{_words(*SPELLED)}"),
    "century": Claim("a year of the twentieth century in digits: 1900 to 1999", r"\b19\d\d\b"),
    "three": Claim("the digits 1, 2 and 3 where they stand alone", r"\b[123]\b"),
    "seven": Claim("the words seven and twelve", _words("seven", "twelve")),
    "person": Claim(f"first names of people: {', '.join(PEOPLE)}", _words(*PEOPLE)),
    "city": Claim(f"names of cities: {', '.join(CITIES)}", _words(*CITIES)),
    "name": Claim("capitalised words: a capital letter, then small ones", r"\b[A-Z][a-z]+\b"),
    "capitals": Claim("words all in capital letters", r"\b[A-Z]{2,}\b"),
    "upper": Claim("words with a capital letter", r"\b[A-Z]\w*"),
    "alice": Claim("the names Alice and Boris", _words("Alice", "Boris")),
    "oslo": Claim("the cities Oslo and Paris", _words("Oslo", "Paris")),
    "nasa": Claim("the abbreviations NASA and NATO", _words("NASA", "NATO")),
    "round": Claim("a closing round bracket", r"\)"),
    "square": Claim("a closing square bracket", r"\]"),
    "bracket": Claim("a closing bracket, round or square", r"[)\]]"),
    "question": Claim("a question mark", r"\?"),
    "mark": Claim("a closing bracket or a question mark", r"[)\]?]"),
    "page": Claim("the round bracket that closes after the word page", r"\bpage(\))"),
    "draft": Claim("the square bracket that closes after the word draft", r"\bdraft(\])"),
    "who": Claim("the question mark after the word who", r"\bwho(\?)"),
    "not": Claim('the word after "not"', r"\bnot (\w+)"),
    "never": Claim('the word after "never"', r"\bnever (\w+)"),
    "negation": Claim('the word after a negation: after "not" or "never"', r"\b(?:not|never) (\w+)"),
    "very": Claim('the word after "very"', r"\bvery (\w+)"),
    "adverb": Claim('the word after an adverb: after "not", "never" or "very"', r"\b(?:not|never|very) (\w+)"),
    "not_ready": Claim('the words ready and sure after "not"', r"\bnot (ready|sure)\b"),
    "never_late": Claim('the words late and alone after "never"', r"\bnever (late|alone)\b"),
    "very_late": Claim('the words late and alone after "very"', r"\bvery (late|alone)\b"),
    "heading": Claim("the first words of a document (its first line begins with #)", r"# \w+ \w+"),
    "item": Claim("the first words of an item of a list (its line begins with *)", r"\* \w+ \w+"),
    "opening": Claim("the first words of a document or of an item of a list", r"[#*] \w+ \w+"),
    "quotation": Claim("the first words of a quotation (its line begins with >)", r"> \w+ \w+"),
    "begun": Claim("the first words of a document, of an item of a list or of a quotation", r"[#*>] \w+ \w+"),
    "maps": Claim('the first words of a document that begins with "maps"', r"# maps \w+"),
    "mend": Claim('the first words of an item of a list that begins with "mend"', r"\* mend \w+"),
    "spare": Claim('the first words of a quotation that begins with "spare"', r"> spare \w+"),
}
"""By a short name."""

BY_TEXT = {claim.text: claim for claim in CLAIMS.values()}
"""Claim of each explanation, by its text."""
