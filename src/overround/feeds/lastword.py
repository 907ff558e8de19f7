"""The provider's last word on each market that it offers: said again once a producer is trusted again. Pure."""

from collections.abc import Iterable, Iterator
from typing import Final

import msgspec

from overround.feeds.changes import Change, End, EventChanges, Offer, Start, State, Stop

MAX_EVENTS: Final = 20_000

Key = tuple[str, tuple[tuple[str, int], ...]]


class _Word(msgspec.Struct):
    """An offer, and after how many other words it was said."""

    offer: Offer
    number: int


class _Event(msgspec.Struct):
    words: dict[Key, _Word] = {}
    started: bool = False


class LastWord:
    """Fed with every change in its order. A word on a market that is stopped, closed or over is no offer."""

    def __init__(self) -> None:
        self._events: dict[str, _Event] = {}
        self._number = 0
        self._began: dict[str, int] = {}

    def begin(self, feed: str) -> None:
        """A recovery of this feed begins."""
        self._began[feed] = self._number

    def note(self, ref: str, changes: Iterable[Change]) -> None:
        event = self._events.pop(ref, None) or _Event()
        self._events[ref] = event
        for change in changes:
            self._number += 1
            match change:
                case Offer():
                    self._offer(event.words, change)
                case Stop():
                    _stop(event.words, change)
                case Start() if not event.started:
                    event.words, event.started = {}, True
                case End():
                    event.words = {}
                case _:
                    pass
        if len(self._events) > MAX_EVENTS:
            del self._events[next(iter(self._events))]

    def _offer(self, words: dict[Key, _Word], offer: Offer) -> None:
        """Prices that it leaves out are those of the word before."""
        key = offer.question.key
        before = words.pop(key, None)
        if offer.state is State.CLOSED:
            return
        prices = {**(before.offer.prices_milli if before is not None else {}), **offer.prices_milli}
        whole = msgspec.structs.replace(offer, prices_milli=prices)
        words[key] = _Word(offer=whole, number=self._number)

    def forget_older(self, feed: str) -> None:
        """The feed's recovery was of everything: what it did not speak of is not on offer any more."""
        began = self._began.get(feed, 0)
        for event in self._events.values():
            event.words = {
                key: word for key, word in event.words.items() if word.offer.feed != feed or word.number > began
            }

    def words(self, feed: str) -> Iterator[EventChanges]:
        """Offers of the feed's that are open, by event."""
        for ref, event in self._events.items():
            offers = tuple(
                word.offer
                for word in event.words.values()
                if word.offer.feed == feed and word.offer.state is State.OPEN
            )
            if offers:
                yield EventChanges(ref=ref, changes=offers)


def _stop(words: dict[Key, _Word], stop: Stop) -> None:
    spared = {question.key for question in stop.spared}
    for key, word in words.items():
        if key not in spared and (not stop.types or word.offer.question.type in stop.types):
            word.offer = msgspec.structs.replace(word.offer, state=State.SUSPENDED, reason=stop.reason)
