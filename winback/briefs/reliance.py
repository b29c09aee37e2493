"""What a brief rests on: what was understood, what was not, what is assumed, and what is missing."""

from winback.briefs.facts import AccountFacts
from winback.briefs.sections import Block, Bullets, Item, Paragraph, Section

MOST_GAPS = 4
_LONGEST = 160


def reliance(account: AccountFacts) -> Section:
    items = [Item("Assumed", f"{each.text} (certainty: {each.certainty}).") for each in account.assumptions]
    if account.gaps:
        wanted = (f"{gap.name} ({_lowered(gap.unlocks.partition(':')[0])})" for gap in account.gaps[:MOST_GAPS])
        items.append(Item("Missing, and what each would unlock", f"{'; '.join(wanted)}."))
    if account.understood:
        items.append(Item("Understood from the notes", f"{'; '.join(_told(account))}."))
        items += [Item(f"Taken as {label}", quoted(words)) for label, words in account.understood if label in _QUOTED]
    if account.remarks:
        items.append(Item("Kept in mind", " ".join(quoted(words) for words in account.remarks)))
    if account.not_understood:
        items.append(Item("Not understood, and not used", " ".join(quoted(words) for words in account.not_understood)))
    blocks: list[Block] = (
        [Bullets(tuple(items))] if items else [Paragraph("Nothing is assumed and nothing is missing.")]
    )
    return Section("reliance", "What this rests on", tuple(blocks))


_QUOTED = ("goal", "limit")


def _told(account: AccountFacts) -> list[str]:
    """What was taken, each once; what shares a label (`at hand: Klaviyo`) stands together."""
    together: dict[str, list[str]] = {}
    for label, _ in account.understood:
        if label in _QUOTED:
            continue
        head, separator, rest = label.partition(": ")
        parts = together.setdefault(head if separator else label, [])
        if rest and rest not in parts:
            parts.append(rest)
    return [f"{head}: {', '.join(parts)}" if parts else head for head, parts in together.items()]


def quoted(words: str) -> str:
    shown = words if len(words) <= _LONGEST else f"{words[:_LONGEST].rstrip()}…"
    return f"\N{LEFT DOUBLE QUOTATION MARK}{shown}\N{RIGHT DOUBLE QUOTATION MARK}"


def _lowered(text: str) -> str:
    return f"{text[:1].lower()}{text[1:]}"
