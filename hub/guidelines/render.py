"""A bundle as a document that its parties can read and sign: parties, definitions, safeguards, guidelines as articles,
warnings, legal instruments. Markdown, and the same as one HTML page with a style for print.

Everything that is said comes out of the bundle: two documents of the same digest, language and serial are the same. Names
and texts of the bundle are data here: they cannot make headings, links or markup. Clauses are sentences.py's.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Iterator
from typing import Final

from hub.model.codes import LIST_OF

from .bundle import Bundle
from .language import ALL, Agency, Choice, Guideline, Instrument, Language, parties_of
from .sentences import AND, ANY, EVERY, NO, NOBODY, OR, categories, conditions, duties, joined, parties, party
from .terms import NAMES, country, term
from .wording import ACT, IF, LIST_TITLE, RECEIVES, RULES, STYLE, TEXT, Both


def to_markdown(bundle: Bundle, language: Language = "es", serial: int | None = None) -> str:
    """The document. `serial`: under which number the bundle was published, if it was."""
    return "\n\n".join(_Document(bundle, language).parts(serial)) + "\n"


def to_html(bundle: Bundle, language: Language = "es", serial: int | None = None) -> str:
    """The same as one page that needs nothing else: no script, no font or picture from elsewhere."""
    from markdown_it import MarkdownIt  # noqa: PLC0415  # only who wants HTML needs it

    # `js-default` takes no HTML from the text; links are not made.
    body = MarkdownIt("js-default", {"linkify": False, "typographer": False}).render(
        to_markdown(bundle, language, serial)
    )
    title = html.escape(TEXT["title"][language])
    policy = "default-src 'none'; style-src 'unsafe-inline'"
    return (
        f'<!doctype html>\n<html lang="{language}">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">\n<title>{title}</title>\n'
        f"<style>\n{STYLE}\n</style>\n</head>\n<body>\n{body}</body>\n</html>\n"
    )


_SPECIAL: Final = re.compile(r"([\\`*_\[\]<>|~#&])")


def _plain(text: str) -> str:
    """Text of the bundle as text of the document: nothing in it is markup, and it is one line."""
    return _SPECIAL.sub(r"\\\1", " ".join(text.split()))


def _code(code: str) -> str:
    """A code as code; the words that it may hold have no back-ticks, but none is trusted."""
    return f"`{code.replace('`', '')}`" if re.fullmatch(r"[^`|\s]+", code) else _plain(code)


def _groups(guideline: Guideline) -> set[str]:
    words = (*guideline.from_.any, *guideline.from_.except_, *guideline.to.any, *guideline.to.except_)
    return {word for word in words if ":" in word}


def _bold(name: str) -> str:
    return f"**{_plain(name)}**"


def _letter(at: int) -> str:
    return chr(ord("a") + at) if at < 26 else str(at + 1)


class _Document:
    """One bundle in one language, part by part."""

    def __init__(self, bundle: Bundle, language: Language) -> None:
        self.bundle = bundle
        self.language = language
        self.safeguards = [each for each in bundle.guidelines if each.safeguard]
        self.guidelines = [each for each in bundle.guidelines if not each.safeguard]

    def parts(self, serial: int | None) -> Iterator[str]:
        yield from self._opening(serial)
        for number, (name, section) in enumerate(
            (
                ("parties", self._parties),
                ("definitions", self._definitions),
                ("rules", self._rules),
                ("safeguards", self._safeguards),
                ("guidelines", self._guidelines),
                ("caveats", self._caveats),
                ("instruments", self._instruments),
                ("signatures", self._signatures),
            ),
            start=1,
        ):
            yield f"## {_roman(number)}. {self._say(name)}"
            yield from section()

    def _say(self, key: str) -> str:
        return TEXT[key][self.language]

    def _table(self, heads: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
        heads = [self._say(head) for head in heads]
        lines = [heads, ["---"] * len(heads), *(list(row) for row in rows)]
        return "\n".join(f"| {' | '.join(line)} |" for line in lines)

    def _opening(self, serial: int | None) -> Iterator[str]:
        yield f"# {self._say('title')}"
        counted = self._say("counted").format(
            agencies=len(self.bundle.agencies), safeguards=len(self.safeguards), guidelines=len(self.guidelines)
        )
        number = str(serial) if serial is not None else self._say("unpublished")
        yield "\n".join(
            [
                f"- **{self._say('serial')}:** {number}",
                f"- **{self._say('digest')}:** `{self.bundle.name}`",
                f"- **{self._say('contents')}:** {counted}",
            ]
        )
        yield self._say("preamble")

    def _parties(self) -> Iterator[str]:
        yield self._table(("name", "code", "seat", "competences", "labels"), map(self._party, self.bundle.agencies))

        groups = sorted({word for each in self.bundle.guidelines for word in _groups(each)})
        if groups:
            yield f"### {self._say('groups')}"
            yield self._table(("word", "members"), map(self._group, groups))

    def _group(self, word: str) -> list[str]:
        """A group, type or country that a guideline names, and who that is today."""
        chosen = parties_of(Choice(any=(word,)), self.bundle.agencies)
        names = [self._term("agency", each) for each in sorted(chosen)]
        return [_plain(party(self.bundle, word, self.language, ANY)), _plain("; ".join(names)) or self._say("none")]

    def _party(self, agency: Agency) -> list[str]:
        state = country(agency.country, self.language) if agency.country else self._say("international")
        seat = country(agency.seat, self.language) if agency.seat else ""
        place = state if not seat or seat == state else f"{state}; {seat}"
        competences = joined((self._term("purposes", each) for each in agency.competences), self.language)
        name = _plain(getattr(agency.name, self.language))
        if agency.status == "suspended":
            name += f" ({self._say('suspended')})"
        return [name, _code(agency.id), place, _plain(competences) or self._say("none"), f"TLP:{agency.max_tlp}"]

    def _term(self, name: str, code: str) -> str:
        return term(self.bundle, name, code, self.language)

    def _definitions(self) -> Iterator[str]:
        """The expressions that the articles use, with the codes by which the system knows them."""
        used = self._used()
        for name, codes in used.items():
            rows = [[_plain(self._term(name, code)), _code(code)] for code in sorted(codes)]
            rows = [row for row in rows if row[0] != row[1].strip("`")]
            if rows:
                yield f"### {_plain(LIST_TITLE.get(name, {}).get(self.language, name))}"
                yield self._table(("word", "code"), rows)

    def _used(self) -> dict[str, set[str]]:
        used: dict[str, set[str]] = {name: set() for name in LIST_TITLE}
        for guideline in self.bundle.guidelines:
            for attribute, test in guideline.when.items():
                name = LIST_OF.get(attribute, "")
                for codes in (test.any, test.only, test.none):
                    if name in used:
                        used[name].update(codes or ())
            for choice in (guideline.release, guideline.withhold):
                used["category"].update([*choice.any, *choice.except_] if choice else ())
            if guideline.obligations:
                keep = guideline.obligations.keep
                used["event"].update(keep.events if keep else ())
                used["channel"].add(guideline.obligations.onward)
        known = {
            name: set(NAMES.get(name, {})) | {each.id for each in self.bundle.terms.get(name, ())} for name in used
        }
        known["category"] |= {each for each in used["category"] if each.endswith("*")}
        known["country"] = used["country"]
        used["category"] |= known["category"] & set(self.bundle.vocabularies["category"])
        return {name: codes & known[name] for name, codes in used.items()}

    def _rules(self) -> Iterator[str]:
        yield "\n".join(f"{number}. {rule[self.language]}" for number, rule in enumerate(RULES, start=1))

    def _safeguards(self) -> Iterator[str]:
        yield self._say("safeguards-intro")
        yield from self._articles(self.safeguards, 1)

    def _guidelines(self) -> Iterator[str]:
        yield from self._articles(self.guidelines, len(self.safeguards) + 1)

    def _articles(self, guidelines: list[Guideline], first: int) -> Iterator[str]:
        for number, guideline in enumerate(guidelines, start=first):
            yield from self._article(number, guideline)

    def _article(self, number: int, guideline: Guideline) -> Iterator[str]:
        title = _plain(getattr(guideline.title, self.language))
        yield f"### {self._say('article')} {number} ({_plain(guideline.id)}). {title}"
        yield f"{number}.1. {self._act(guideline)}"
        point = 2
        for sentence in (*self._ground(guideline), *self._force(guideline)):
            yield f"{number}.{point}. {sentence}"
            point += 1
        obliged = list(self._obligations(guideline))
        if obliged:
            head = {"es": "Quien la reciba deberá:", "en": "Whoever receives it shall:"}[self.language]
            yield f"{number}.{point}. {head}\n\n{self._lettered(obliged)}"
        yield f"*{self._say('reason')}.* {_plain(getattr(guideline.rationale, self.language))}"
        yield f"*{self._say('basis')}.* {self._basis(guideline)}"

    def _lettered(self, clauses: list[str]) -> str:
        """`(a) ...; (b) ...; and (c) ...`, so that each can be cited."""
        last = {"es": " y", "en": " and"}[self.language]
        ends = [*[";"] * (len(clauses) - 2), f";{last}", "."][-len(clauses) :]
        return "\n".join(f"- ({_letter(at)}) {each}{ends[at]}" for at, each in enumerate(clauses))

    def _act(self, guideline: Guideline) -> str:
        bundle, language, effect = self.bundle, self.language, guideline.effect
        negative = effect == "withhold" and ALL in guideline.to.any
        everybody = NO if negative else EVERY if effect == "permit" else NOBODY
        to = parties(bundle, guideline.to, language, everybody, OR if effect == "forbid" else AND, _bold)
        act = ACT["withhold from all" if negative else effect][language].format(
            origin=parties(bundle, guideline.from_, language, ANY, OR, _bold),
            to=f"{to}," if guideline.to.except_ and effect != "forbid" else to,
            shall=RECEIVES[len(guideline.to.any) > 1 or ":" in guideline.to.any[0]],
            what=self._what(guideline),
        )
        clauses = [_plain(each) for each in conditions(bundle, guideline, language)]
        if not clauses:
            return f"{act}."
        where = f"{act}{IF[effect][language]}"
        return f"{where} {clauses[0]}." if len(clauses) == 1 else f"{where}:\n\n{self._lettered(clauses)}"

    def _what(self, guideline: Guideline) -> str:
        choice = guideline.release or guideline.withhold
        core = {"es": "el núcleo de la alerta", "en": "the core of the alert"}[self.language]
        if choice is None:
            return ""
        named = _plain(categories(self.bundle, choice, self.language, guideline.effect == "withhold"))
        if guideline.effect == "withhold":
            return named
        if not choice.any:
            return {"es": f"{core} y nada más", "en": f"{core} and nothing else"}[self.language]
        held: Both = {
            "es": f"{core} y, si esta los contiene, {named}",
            "en": f"{core} and, where it holds them, {named}",
        }
        return held[self.language]

    def _ground(self, guideline: Guideline) -> Iterator[str]:
        if guideline.ground:
            name = term(self.bundle, "ground", guideline.ground, self.language)
            yield {
                "es": f"El fundamento de esta comunicación es {name}.",
                "en": f"The ground of this communication is {name}.",
            }[self.language]

    def _force(self, guideline: Guideline) -> Iterator[str]:
        begins, ends = guideline.valid.from_, guideline.valid.until
        if begins or ends:
            es = " ".join(
                [*([f"desde el {begins}"] if begins else []), *([f"hasta el {ends}, inclusive"] if ends else [])]
            )
            en = " ".join(
                [*([f"from {begins}"] if begins else []), *([f"until {ends}, that day included"] if ends else [])]
            )
            yield {"es": f"Este artículo rige {es}.", "en": f"This article is in force {en}."}[self.language]

    def _obligations(self, guideline: Guideline) -> Iterator[str]:
        if guideline.obligations is None:
            return
        yield from (_plain(each) for each in duties(self.bundle, guideline.obligations, self.language))
        shown = ", ".join(_code(each) for each in guideline.obligations.caveats)
        if shown:
            many = len(guideline.obligations.caveats) > 1
            yield {
                "es": f"mostrar a todo lector {'las advertencias' if many else 'la advertencia'} {shown}",
                "en": f"show every reader the {'warnings' if many else 'warning'} {shown}",
            }[self.language]

    def _basis(self, guideline: Guideline) -> str:
        by_id = {each.id: each for each in self.bundle.legal_basis}
        named = [f"{_code(key)}{self._flag(by_id.get(key))}" for key in guideline.legal_basis]
        mark = self._say(guideline.mark)
        own = {
            "es": f"Si esta base sostiene el artículo: {mark}.",
            "en": f"Whether this basis bears the article: {mark}.",
        }[self.language]
        return f"{', '.join(named)}. {own}"

    def _flag(self, instrument: Instrument | None) -> str:
        """A star marks what counsel has yet to confirm."""
        return "" if instrument and instrument.mark == "checked" and not instrument.open else "\\*"

    def _caveats(self) -> Iterator[str]:
        rows = [[_code(each.id), _plain(getattr(each.text, self.language))] for each in self.bundle.caveats]
        yield self._table(("key", "text"), rows) if rows else self._say("none")

    def _instruments(self) -> Iterator[str]:
        yield {
            "es": "Un asterisco (\\*) en los artículos indica que el instrumento, o una parte, está por confirmar.",
            "en": "A star (\\*) in the articles says that the instrument, or part of it, is to be confirmed by counsel.",
        }[self.language]
        rows = [
            [_code(each.id), _plain(getattr(each.title, self.language)), self._state(each)]
            for each in self.bundle.legal_basis
        ]
        yield self._table(("key", "instrument", "mark"), rows) if rows else self._say("none")

    def _state(self, instrument: Instrument) -> str:
        words = [self._say(instrument.mark)]
        if instrument.source:
            words.append(_plain(instrument.source))
        if instrument.open:
            label: Both = {"es": "por confirmar", "en": "to be confirmed"}
            words.append(f"{label[self.language]}: {_plain(instrument.open)}")
        return "; ".join(words)

    def _signatures(self) -> Iterator[str]:
        yield self._say("signing")
        for agency in self.bundle.agencies:
            yield "---"
            yield f"{_plain(getattr(agency.name, self.language))}  \n{self._say('signature')}"


def _roman(number: int) -> str:
    return ("I", "II", "III", "IV", "V", "VI", "VII", "VIII", "IX", "X")[number - 1]
