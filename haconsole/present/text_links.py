"""The lines of a text that open something, one of them marked."""

from __future__ import annotations

from msgspec.structs import replace

from haconsole.present.detail import Detail, Sentence, Target

MARK = "▸"


def link_places(detail: Detail | None) -> tuple[int, ...]:
    """The places of the items that open something."""
    items = detail.items if detail is not None else ()
    return tuple(place for place, item in enumerate(items) if target_at(detail, place) is not None)


def target_at(detail: Detail | None, place: int) -> Target | None:
    """The target of the item at that place."""
    item = detail.items[place] if detail is not None and place < len(detail.items) else None
    return item.target if isinstance(item, Sentence) else None


def marked_place(detail: Detail | None, number: int) -> int | None:
    """The place of the link of that number, counted from 0; of the last one if there are fewer."""
    places = link_places(detail)
    return places[min(number, len(places) - 1)] if places else None


def with_mark(detail: Detail, number: int) -> Detail:
    """The text with a mark on the link of that number."""
    place = marked_place(detail, number)
    items = (
        replace(item, mark=MARK) if index == place and isinstance(item, Sentence) else item
        for index, item in enumerate(detail.items)
    )
    return replace(detail, items=tuple(items))


def neighbour(detail: Detail | None, number: int, by: int) -> int:
    """The number of the link that is `by` links on, in a circle."""
    count = len(link_places(detail))
    return (min(number, count - 1) + by) % count if count else 0
