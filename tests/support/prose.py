"""Rules for the English of pages and messages."""

import inspect
import re

#: Openings that postpone the subject and the verb, with the words to begin with instead.
OPENINGS = {
    r"Of (?!course)\w+": "the subject, not with 'Of'",
    r"In whose|On whose|For whose|With whose|Whose": "the owner",
    r"(?:That|Those) (?:of|that|which|with|in|for|from)\b": "the noun itself",
    r"What (?:is|was|are|has|does|there|they|it|you|fit|a|the)\b": "the noun itself",
    r"How much|How many|How far": "a noun such as 'Number' or 'Fraction'",
    r"Nor\b|Neither\b": "the subject",
    r"Also (?:there|here)\b": "the subject",
    r"Where (?:there|it)\b": "the subject, and 'if' after it",
    r"So (?:does|do|is|are|has|have|can)\b": "the subject",
}

#: Phrases that readers misread, or that have a shorter standard term.
PHRASES = {
    r"(?:go|goes|going|went|continues?|continued|resumes?) (?:on )?to the same bits": "bit for bit",
    r"wrong by an order of magnitude|errors by an order of magnitude": "gross errors",
    r"at two speeds": "state the two speeds",
    r"[Ww]hat is optional": "optional dependencies",
    r"has pickled stays": "say what does not convert",
    r"not go together": "incompatible",
    r"go past it": "are skipped",
    r"where it may not": "state the condition",
    r"gets to see": "state the effect",
    r"up, and further down": "increases, then decreases",
    r"speaks? for (?:each|a) class": "score",
    r"of the input; noise": "state what has a rate",
    r"[Ii]t may turn out": "state the condition",
    r"\bthereby\b|\bhereby\b|\bthereof\b|\btherein\b|\bwhereby\b|\bwherein\b": "a plain word",
    r"\bin order to\b": "to",
    r"\butili[sz]e": "use",
    r"\bfor want of\b": "for lack of",
    r"\bin parts of 1\b": "as a fraction",
    r"\btells? more\b|\btells about\b": "describes",
    r"\bobviously\b|\bof course\b|\bsimply\b": "nothing",
}

#: Openings of the description of a parameter, which should begin with a noun or a verb.
_DESCRIPTION = re.compile(
    r"^ *[\w.*, ]+ : .*\n +((?:How|Of|That|Those|What|When|Where|Which|Who|Whose)\b.*)",
    re.MULTILINE,
)

_BEGIN = r"(?:^|(?<=[.!:] )|(?<=\n\n)|(?<=^- )|(?<=\| ))"


def plain(text):
    """Return the text of a page in markdown without code, comments and the targets of links."""
    text = re.sub(r"^(```+|:::+).*?^\1.*?$", "", text, flags=re.DOTALL | re.MULTILINE)
    text = re.sub(r"<!--.*?-->|<[^>\n]+>", "", text, flags=re.DOTALL)
    text = re.sub(r"^    .*$", "", text, flags=re.MULTILINE)
    text = re.sub(r"\{\w+\}`~?[\w.]+`|``?[^`]+``?", "CODE", text)
    return re.sub(r"\]\([^)]*\)", "]", text).replace("**", "").replace("[", "").replace("]", "")


def paragraphs(docstring):
    """Return a docstring without examples, in which each description begins a paragraph."""
    lines = inspect.cleandoc(_without_examples(docstring)).splitlines()
    heads = re.compile(r" *(?:[\w.*, ]+ : .*|-+)")
    return "\n".join("" if heads.fullmatch(line) else line.strip() for line in lines)


def description_faults(docstring):
    """Return a line about each description of a parameter that does not begin with a noun."""
    found = _DESCRIPTION.findall(_without_examples(docstring))
    return [f"{words!r}: begin the description with a noun" for words in found]


def _without_examples(docstring):
    return re.split(r"\n *Examples\n *-+\n", docstring, maxsplit=1)[0]


def faults(text):
    """Return a line about each fault of a text: the words, and what to write instead."""
    found = []
    for opening, advice in OPENINGS.items():
        for match in re.finditer(f"{_BEGIN}(?:{opening})", text, re.MULTILINE):
            sentence = re.split(r"(?<=[.?!])\s", text[match.start() :], maxsplit=1)[0]
            begins_line = text[: match.start()].endswith("\n") and not re.search(
                r"(?:\n\n|[.!:|]\n|\A)\Z", text[: match.start()]
            )
            if not sentence.endswith("?") and not begins_line:
                found.append(f"{' '.join(sentence.split())[:90]!r}: begin with {advice}")
    for phrase, advice in PHRASES.items():
        for match in re.finditer(phrase.replace(" ", r"\s+"), text):
            words = " ".join(text[max(0, match.start() - 25) : match.end() + 15].split())
            found.append(f"{words!r}: write {advice}")
    return found
