"""Free text read by plain rules (docs/briefs.md lists them): figures beside words that say what they are.

Nothing is guessed. A part that no rule takes, or that two figures would fit, is handed back as not understood; what was
taken stands beside the words that it was taken from, so that a reader can object.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, NamedTuple

from winback.briefs.notes import LONGEST, MOST_SEGMENTS, Notes, notes_of
from winback.briefs.numbers import Quantity, join_ranges, quantities_in
from winback.briefs.stages import SEGMENT_WORDS
from winback.briefs.tools import BY_NAME, channels_in, tools_in
from winback.briefs.vocabulary import (
    A_YEAR,
    BULLET,
    BUSINESS,
    CONTACTS,
    DISCOUNT,
    FIELD_WORDS,
    FIELDS,
    GOAL,
    GOAL_LABEL,
    LABEL,
    MAIL,
    MOVED,
    NO_DISCOUNT,
    NOT,
    OFTEN,
    ONLY_CHANNELS,
    OPT_IN,
    PART,
    PEOPLE,
    PERIOD,
    RULE,
    SEASON,
    SENTENCE,
    SPELLED,
    TELEPHONE,
    UNKNOWN,
    USED,
)


@dataclass(frozen=True)
class Reading:
    notes: Notes
    understood: tuple[tuple[str, str], ...]
    """(what was taken, the words that it was taken from)"""
    not_understood: tuple[str, ...]


def read_text(text: str) -> Reading:
    """Any text gives a reading; what lies beyond LONGEST characters is said not to be read."""
    reader = _Reader()
    kept = _private(text[:LONGEST].encode("utf-8", "replace").decode("utf-8"))
    for line in kept.splitlines():
        reader.read_line(BULLET.sub("", " ".join(line.split())))  # the patterns expect no runs of spaces
    if len(text) > LONGEST:
        reader.unread.append(f"everything after the first {LONGEST:,} characters")
    return reader.finish()


def read_form(notes: Notes) -> Reading:
    """A filled form: everything in it is understood."""
    told = [f"{name.replace('_', ' ')}" for name in sorted(notes.model_fields_set)]
    return Reading(notes, ((f"the form's {', '.join(told)}", ""),) if told else (), ())


def _private(text: str) -> str:
    """Without addresses and telephone numbers: a brief is passed on."""
    return TELEPHONE.sub("(number left out)", MAIL.sub("(address left out)", text))


class _Part(NamedTuple):
    words: str
    scope: str | None
    """The segment whose line it is."""
    sentence: str


@dataclass
class _Reader:
    values: dict[str, Any] = field(default_factory=dict)
    opt_in: dict[str, Any] = field(default_factory=dict)
    segments: dict[str, dict[str, Any]] = field(default_factory=dict)
    lists: dict[str, list[str]] = field(default_factory=dict)
    understood: list[tuple[str, str]] = field(default_factory=list)
    unread: list[str] = field(default_factory=list)

    def read_line(self, line: str) -> None:
        """A segment's name and a colon make what follows its own: to the line's end, or to the next such name."""
        sentences = [self._labelled(each) for each in SENTENCE.split(join_ranges(line))]
        labels = [scope for scope, _ in sentences if scope is not None]
        for scope, sentence in sentences:
            words = sentence.strip(" \t.,;:!-\u2013\u2014")
            if words:
                follows = labels[0] if len(labels) == 1 and sentences[0][0] is not None else None
                self._read_sentence(words, scope or follows)

    def _labelled(self, sentence: str) -> tuple[str | None, str]:
        label = LABEL.match(sentence)
        if not label or not SEGMENT_WORDS.search(label[1]) or FIELD_WORDS.search(label[1]):
            return None, sentence
        scope = self._segment(_shortened(label[1].strip(), 60))
        self._of(scope)
        return scope, sentence[label.end() :]

    def _read_sentence(self, words: str, scope: str | None) -> None:
        if scope is None and GOAL.match(words):
            goal = GOAL_LABEL.sub("", words)
            if goal:
                self._list("goals", goal, "goal")
            else:
                self.unread.append(words)
        elif (
            scope is None
            and RULE.search(words)
            and (DISCOUNT.search(words) or CONTACTS.search(words) or "onstraint" in words)
        ):
            self._read_rule(words)
        else:
            parts = [part.strip(" \t.,:") for part in PART.split(words)]
            for part in (part for part in parts if re.search(r"\w", part)):
                if not self._read_part(_Part(part, scope, words)):
                    self.unread.append(part if part == words else f"{part} (in: {_shortened(words, 80)})")

    def _read_rule(self, words: str) -> None:
        self._list("constraints", words, "limit")
        percents = [found for found in quantities_in(words) if found.unit == "percent"]
        if DISCOUNT.search(words) and len(percents) == 1:
            self._set(
                self.values,
                "largest_discount_percent",
                percents[0].value,
                f"largest discount {_text(percents[0])} %",
                words,
            )
        elif NO_DISCOUNT.search(words) and not percents:
            self._set(self.values, "largest_discount_percent", Decimal(0), "no discounts", words)
        contacts = CONTACTS.search(words)
        if contacts:
            number = SPELLED.get(contacts[1].lower()) or int(contacts[1]) if contacts[1] != "0" else 0
            rule = {"messages": int(number), "days": PERIOD[contacts[2].lower()]}
            self._set(self.values, "contact_rule", rule, f"at most {number} messages in {rule['days']} days", words)

    def _read_part(self, part: _Part) -> bool:
        rules: tuple[Callable[[_Part], bool], ...] = (
            self._read_opt_in,
            self._read_often,
            self._read_figure,
            self._read_share,
            self._read_people,
            self._read_channels,
            self._read_unknown,
            self._read_words,
        )
        return any(rule(part) for rule in rules)

    def _read_opt_in(self, part: _Part) -> bool:
        percents = [found for found in quantities_in(part.words) if found.unit == "percent"]
        channels = [name for name in channels_in(part.words) if f"{name}_percent" in _OPT_INS]
        if part.scope or len(percents) != 1 or len(channels) != 1 or not OPT_IN.search(part.sentence):
            return False
        label = f"{BY_NAME[channels[0]].label} opt-in {_text(percents[0])} %"
        return self._set(self.opt_in, f"{channels[0]}_percent", percents[0].value, label, part.words)

    def _read_often(self, part: _Part) -> bool:
        found = OFTEN.search(part.words)
        if not found:
            return False
        yearly = Decimal(found[1].replace(",", ".")) * A_YEAR[found[2].lower()]
        target = self.segments[part.scope] if part.scope else self.values
        return self._set(target, "purchases_per_year", yearly, f"{_plainly(yearly)} purchases a year", part.words)

    def _read_figure(self, part: _Part) -> bool:
        for known in FIELDS:
            figures = [found for found in quantities_in(part.words) if found.unit in known.units]
            if len(figures) != 1 or not known.words.search(part.words) or MOVED.search(part.words):
                continue
            figure, target, name = figures[0], self.values, known.field
            if part.scope and known.of_segment:
                target, name = self.segments[part.scope], known.of_segment
            elif part.scope and known.field != "purchase_cycle_days":
                continue
            if figure.currency and not self._in_currency(figure.currency):
                return False
            value: Any = figure.value if "days" not in known.units else max(1, round(figure.value))
            label = f"{known.label} {_with_unit(figure)}" + (f" ({part.scope})" if target is not self.values else "")
            return self._set(target, name, value, label, part.words)
        return False

    def _read_share(self, part: _Part) -> bool:
        percents = [found for found in quantities_in(part.words) if found.unit == "percent"]
        named = SEGMENT_WORDS.search(part.words)
        about_people = re.search(r"(?i)\bof (?:our |all |the )*(?:customers|base|list|buyers|database)\b", part.words)
        bare = part.scope and not re.search(r"[A-Za-z]{3}", part.words)
        if len(percents) != 1 or not (about_people or bare) or not (part.scope or named):
            return False
        name = part.scope or self._named(part.words)
        return self._set(
            self._of(name),
            "share_percent",
            percents[0].value,
            f"{name}: {_text(percents[0])} % of customers",
            part.words,
        )

    def _read_people(self, part: _Part) -> bool:
        numbers = [found for found in quantities_in(part.words) if found.unit == "plain"]
        if len(numbers) != 1 or numbers[0].value != int(numbers[0].value) or OFTEN.search(part.words):
            return False
        number, named, people = int(numbers[0].value), SEGMENT_WORDS.search(part.words), PEOPLE.search(part.words)
        bare = not re.search(r"[A-Za-z]{3}", re.sub(r"(?i)about|around|roughly|some|approx\w*", "", part.words))
        if part.scope and (people or bare):
            return self._set(
                self.segments[part.scope], "customers", number, f"{part.scope}: {number:,} customers", part.words
            )
        if part.scope is None and named and not _definition(part.words):
            name = self._named(part.words)
            return self._set(self._of(name), "customers", number, f"{name}: {number:,} customers", part.words)
        if part.scope is None and people and not named:
            return self._set(self.values, "customers", number, f"{number:,} customers", part.words)
        return False

    def _read_channels(self, part: _Part) -> bool:
        tools, channels = tools_in(part.words), channels_in(part.words)
        if part.scope or not (tools or channels) or any(found.unit != "plain" for found in quantities_in(part.words)):
            return False
        alone = not tools and ONLY_CHANNELS.match(part.words) and len(part.words.split()) <= 4
        if not (tools or alone or USED.search(part.sentence)):
            return False
        names = [*tools, *(BY_NAME[name].label for name in channels if not tools)]
        key, label = ("without_channels", "not at hand") if NOT.search(part.words) else ("channels", "at hand")
        for name in names:
            if name not in self.lists.setdefault(key, []):
                self.lists[key].append(name)
        self.understood.append((f"{label}: {', '.join(names)}", part.words))
        return True

    def _read_unknown(self, part: _Part) -> bool:
        asked = [known.label for known in FIELDS if known.words.search(part.words)]
        if not (asked and UNKNOWN.search(part.sentence)):
            return False
        self.understood.append((f"not known, as you say: {', '.join(asked)}", part.words))
        return True

    def _read_words(self, part: _Part) -> bool:
        """Words without a figure of their own: what is sold, a season, what a segment is."""
        if part.scope is None and BUSINESS.search(part.words):
            kinds = {"marketplace": "marketplace seller", "subscription": "subscription", "hybrid": "hybrid"}
            kind = next((name for word, name in kinds.items() if re.search(rf"(?i)\b{word}\b", part.words)), None)
            if kind:
                self.values["kind"] = kind
            self.values["business"] = _shortened(
                ", ".join(filter(None, [self.values.get("business"), part.words])), 200
            )
            self.understood.append((f"business: {part.words}", part.words))
            return True
        if SEASON.search(part.words):
            self._list("remarks", part.words, "remark")
            return True
        if part.scope and "definition" not in self.segments[part.scope]:
            return self._set(
                self.segments[part.scope],
                "definition",
                _shortened(part.words, 300),
                f"{part.scope}: {part.words}",
                part.words,
            )
        return False

    def _named(self, part: str) -> str:
        runs = re.findall(rf"(?i){SEGMENT_WORDS.pattern.removeprefix('(?i)')}", part)
        words = [run if isinstance(run, str) else run[0] for run in runs]
        return self._segment(_shortened(" ".join(dict.fromkeys(words)), 60))

    def _segment(self, name: str) -> str:
        """The spelling that was used first."""
        return next((known for known in self.segments if known.casefold() == name.casefold()), name)

    def _of(self, name: str) -> dict[str, Any]:
        return self.segments.setdefault(name, {"name": name})

    def _in_currency(self, code: str) -> bool:
        return bool(self.values.setdefault("currency", code) == code)

    def _list(self, key: str, words: str, label: str) -> None:
        self.lists.setdefault(key, []).append(_shortened(words, 300))
        self.understood.append((label, words))

    def _set(self, target: dict[str, Any], name: str, value: Any, label: str, words: str) -> bool:
        """The first of two different figures stays; the second is not understood."""
        if name in target and target[name] != value:
            return False
        probe = {"segments": [{"name": "x", name: value}]} if "name" in target else {name: value}
        if target is self.opt_in:
            probe = {"opt_in": {name: value}}
        try:
            notes_of(probe)
        except ValueError:
            return False
        target[name] = value
        self.understood.append((label, words))
        return True

    def finish(self) -> Reading:
        told = list(self.segments.values())
        for row in told[MOST_SEGMENTS:]:
            self.unread.append(f"segment {row['name']}: only {MOST_SEGMENTS} are taken")
        most = {"goals": 10, "constraints": 10, "remarks": 20, "channels": 20, "without_channels": 20}
        for name, limit in most.items():
            self.unread += self.lists.get(name, [])[limit:]
        notes = notes_of(
            {
                **self.values,
                **{name: tuple(words[: most[name]]) for name, words in self.lists.items()},
                "opt_in": self.opt_in,
                "segments": told[:MOST_SEGMENTS],
            }
        )
        return Reading(notes, tuple(self.understood), tuple(self.unread))


_OPT_INS = frozenset({"email_percent", "sms_percent", "push_percent", "wechat_percent"})


def _definition(part: str) -> bool:
    """`lapsed means 2 orders`: a number that is not of people."""
    return bool(re.search(r"(?i)\b(orders?|purchases?|times|days?|months?|weeks?|years?)\b", part))


def _shortened(text: str, longest: int) -> str:
    return text if len(text) <= longest else f"{text[: longest - 1].rstrip()}…"


def _text(figure: Quantity) -> str:
    if figure.of_range:
        low, high = figure.of_range
        return f"{_plainly(low)} to {_plainly(high)} (middle taken: {_plainly(figure.value)})"
    return _plainly(figure.value)


def _with_unit(figure: Quantity) -> str:
    units = {"percent": " %", "days": " days", "money": f" {figure.currency}", "plain": ""}
    if figure.unit == "days" and not figure.of_range:
        return f"{max(1, round(figure.value)):,} days"
    return f"{_text(figure)}{units[figure.unit]}"


def _plainly(value: Decimal) -> str:
    return f"{value.quantize(Decimal('0.01')).normalize():,f}"
