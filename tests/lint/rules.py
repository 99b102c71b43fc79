"""The words and forms that the project does not use, with what to write instead.

1. A text begins with a noun or an imperative, never with a clause ("What is under way", "Who is outranked").
2. The trade's verbs: restart, reload, resume, undo, retry, fail over, time out, drain, promote.
3. None of the odd words in `WORDS`.
4. Hosts and programs do not say, hear or ask; they report, receive and query.
5. The title of a step is an imperative with the trade's verb.
6. The reason of a step never begins with "It".
7. A sentence that a user sees has at most 25 words.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from .texts import Kind, Text

MOST_WORDS = 25
VISIBLE = (Kind.MARKDOWN, Kind.STRING, Kind.TITLE, Kind.REASON)

# The rule's number, then patterns with what to write instead.
WORDS = {
    2: {
        r"tak(?:e|es|en|ing) up|took up": "reload, apply, read",
        r"carr(?:y|ies|ied|ying) (?:\w+ )?on": "resume, continue",
        r"tak(?:e|es|en|ing) (?:it |them |\w+ )?back|took (?:it |\w+ )?back": "undo, revert",
        r"ma(?:ke|kes|de|king) way": "release, yield, drain",
        r"(?:its|their|one's) word for": "cross-signed",
        r"what rests|rests": "remains, is idle",
        r"in passing": "a notification",
        r"asks?|asked|asking": "query, request, prompt for, check",
        r"mend(?:s|ed|ing)?": "fix",
    },
    3: {
        r"anew": "again, or new",
        r"aside(?! from)": "keep a backup, rename",
        r"alone": "only",
        r"tells?|told|telling": "report, show, return; for tell apart: distinguish",
        r"by (?:itself|themselves)": "automatically, on its own",
        r"(?:do|does|done|did|is|are|was|were|be|made|named|kept|been|found) so(?! (?:that|many|much|far|long|few))": (
            "like this, or name it"
        ),
        r"of before": "previous",
        r"of now|of today": "current",
        r"for good(?! reason)": "permanently",
        r"as ever": "as before",
        r"stands?|stood": "is",
        r"lies|lay|lain": "is",
        r"whole": "complete, all of, entire",
        r"h[eo]ld(?:s|ing)? (?:\w+ ){0,2}still": "pause, block",
        r"ha(?:ve|s|d|ving) (?:it|them) (?:done|found|made|read)": "the verb in the active voice",
        r"in (?:plain )?words|without a word|the words (?:say|name|of)|words of": "message, description, glossary",
        r"comes? and goes?|goes? and comes?": "is added and removed",
        r"(?:which|what|that|who|the one that) (?:goes|comes|went|came) (?:first|next|with|for)?": (
            "old/new, previous/next"
        ),
        r"whoever|whomever": "name the actor",
        r"(?:of|for) want of": "because of missing",
        r"likewise": "also",
        r"else(?:where)? than": "other than",
        r"befell|whence|thence|hence|thereby|therein|thereof|wherein|hitherto|unto|upon": "plain English",
    },
    4: {
        r"un?heard|hears?|hearing": "receive, report, answer",
        r"says?|said|saying": "report, state, show, specify",
    },
}
CLAUSE = re.compile(
    r"(?:^|[.:;] )(What|Who|Whom|Whose|Whoever|Whatever|How (?!to\b|\w+ to\b)\w+)\b"
    r"[^.:;]*"
)
TITLE = re.compile(r"(?:Have|Find no|Find|See|Let|Make sure)\b")
SCRIPT = re.compile(r"\n.*\n|[;&|]{2}|\$\{?\w|^\s*[{\[<]")
QUOTED = re.compile(r"[\"'](\w[^\"'\n]* [^\"'\n]*)[\"']|#\s(.*)")
_WORDS = [
    (rule, re.compile(rf"\b(?:{pattern})\b", re.IGNORECASE), instead)
    for rule, patterns in WORDS.items()
    for pattern, instead in patterns.items()
]


@dataclass(frozen=True, slots=True)
class Problem:
    text: Text
    rule: int
    """The number in the list at the head of this file."""
    words: str
    instead: str

    def __str__(self) -> str:
        return f"{self.text.path}:{self.text.line}: {self.words!r} in a {self.text.kind.value}: {self.instead}"


def problems_of(text: Text) -> Iterator[Problem]:
    """All problems of one text."""
    prose = _prose(text)
    for rule, pattern, instead in _WORDS:
        for match in pattern.finditer(prose):
            yield Problem(text, rule, match[0], f"write: {instead}")
    for match in CLAUSE.finditer(" ".join(prose.split())):
        if text.kind is not Kind.TEST_NAME and "?" not in match[0]:
            yield Problem(text, 1, match[1], "begin with a noun, not a clause")
    if text.kind is Kind.TITLE and (verb := TITLE.match(prose)):
        yield Problem(text, 5, verb[0], "begin with the trade's verb: issue, check, write, restart, install, wait")
    if text.kind is Kind.REASON and prose.startswith("It "):
        yield Problem(text, 6, "It", "begin with the noun")
    if text.kind in VISIBLE and not _is_script(text):
        yield from _long_sentences(text, prose)


def _long_sentences(text: Text, prose: str) -> Iterator[Problem]:
    for sentence in re.split(r"(?<=[.!?])\s+|\s+\|\s+|\n\n", prose):
        words = [word for word in sentence.split() if re.search(r"\w", word)]
        if len(words) > MOST_WORDS:
            yield Problem(text, 7, " ".join(words[:4]) + " …", f"{len(words)} words: split it, {MOST_WORDS} at most")


def _prose(text: Text) -> str:
    """The text without code: spans in backquotes, addresses of links, options; a script gives its messages."""
    content = text.content
    if _is_script(text):
        content = ". ".join(message or comment for message, comment in QUOTED.findall(content))
    return re.sub(r"``?[^`]*``?|\]\([^)]*\)|(?<!\w)--[\w-]+", "`", content)


def _is_script(text: Text) -> bool:
    """A script or a configuration in a literal, which has no sentences."""
    return text.kind is Kind.STRING and bool(SCRIPT.search(text.content))
