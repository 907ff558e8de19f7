"""docs/tickets.md is played against a house: every request of the page, in its order, answers what the page says."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.edge.conftest import Player, make_market
from tests.edge.running import Api

PAGE = Path(__file__).resolve().parents[2] / "docs" / "tickets.md"
STEP = re.compile(r"(?:OPERATOR )?(?:POST|GET|RESULT|FINISH) ")
IDS = ("market_id", "event_id", "bet_id", "ticket_id", "builder_id")


def steps() -> Iterator[str]:
    """The indented blocks of the page that are requests, a request each."""
    blocks = re.findall(r"(?:^    .*\n?)+", PAGE.read_text(), re.MULTILINE)
    for block in blocks:
        text = re.sub(r"^    ", "", block, flags=re.MULTILINE)
        if STEP.match(text):
            yield from re.split(r"\n(?=(?:OPERATOR )?(?:POST|GET|RESULT|FINISH) )", text.strip())


class Story:
    """The page's own numbers of things, and what they are in the house."""

    def __init__(self, player: Player, operator: Api) -> None:
        self.player, self.operator = player, operator
        self.real: dict[tuple[str, int], int] = {}

    def known(self, value: Any, name: str = "") -> Any:
        """The page's JSON with the house's ids."""
        if isinstance(value, dict):
            return {key: self.known(each, key) for key, each in value.items()}
        if isinstance(value, list):
            return [self.known(each, name) for each in value]
        return self.real.get((kind(name), value), value) if name in IDS else value

    def learn(self, expected: Any, found: Any) -> None:
        """Ids that the page names for the first time."""
        for name, value in expected.items() if isinstance(expected, dict) else ():
            if name in IDS:
                self.real.setdefault((kind(name), value), found[name])
            elif isinstance(value, list | dict):
                pairs = zip(value, found[name], strict=False) if isinstance(value, list) else [(value, found[name])]
                for one, other in pairs:
                    self.learn(one, other)

    def play(self, step: str) -> None:
        head, _, rest = step.partition("\n")
        words = head.split()
        if words[0] == "RESULT":
            home, away = map(int, words[2].split("-"))
            self.result(int(words[1]), {"score": {"home": home, "away": away}})
        elif words[0] == "FINISH":
            price = round(float(words[4]) * 1_000)
            starts = [{"runner": runner, "price_milli": price} for runner in range(1, 9)]
            positions = [[int(runner)] for runner in words[2].split(",")]
            self.result(int(words[1]), {"finish": {"positions": positions, "starting_prices": starts}})
        else:
            self.ask(words, rest)

    def result(self, market: int, body: dict[str, Any]) -> None:
        self.operator.made(f"/v1/operator/markets/{self.real['market', market]}/result", body)

    def ask(self, words: list[str], rest: str) -> None:
        api = self.operator if words[0] == "OPERATOR" else self.player.api
        method, path = words[-2:]
        asked, _, answer = rest.partition("=> ")
        status, _, expected = answer.partition(" ")
        path = re.sub(r"/(90\d)", lambda match: f"/{self.real['bet', int(match[1])]}", path)
        body = self.known(json.loads(asked)) if asked else None
        wanted = json.loads(expected)
        reply = api.send(method, path, body)
        while wanted.get("status") == "settled" and reply.json().get("status") == "open":
            reply = api.send(method, path, body)
        assert reply.status_code == int(status), (path, reply.text)
        self.learn(wanted, reply.json())
        assert_within(self.known(wanted), reply.json(), path)


def kind(name: str) -> str:
    """A ticket has the number of its first bet."""
    return "bet" if name in ("bet_id", "ticket_id") else name.removesuffix("_id")


def assert_within(expected: Any, found: Any, path: str) -> None:
    if isinstance(expected, dict):
        for name, value in expected.items():
            assert_within(value, found[name], f"{path} {name}")
    elif isinstance(expected, list) and any(isinstance(each, dict) for each in expected):
        for place, (one, other) in enumerate(zip(expected, found, strict=False)):
            assert_within(one, other, f"{path} {place}")
    else:
        assert found == expected, path


def test_every_request_of_the_page_answers_what_it_says(player: Player, operator: Api) -> None:
    story = Story(player, operator)
    offer(story, operator)
    played = list(steps())
    assert len(played) > 15
    for step in played:
        story.play(step)


def offer(story: Story, operator: Api) -> None:
    """What the page says is there."""
    homes = {71: 2_000, 72: 3_000, 73: 1_500, 74: 2_500, **dict.fromkeys((81, 82, 83, 84, 101), 2_000)}
    made = {number: make_market(operator, prices_milli=(home, 3_400, 4_000)) for number, home in homes.items()}
    for number, market in made.items():
        story.real["market", number] = market["market_id"]
    terms = {"each_way": {"numerator": 1, "denominator": 5, "places": 3}, "starting_prices": True}
    runners = [f"Runner {number}" for number in range(1, 9)]
    race = make_market(operator, type="race_win", selections=runners, prices_milli=[9_000] * 8, terms=terms)
    story.real["market", 91] = race["market_id"]
    event = story.real["event", 11] = made[101]["event_id"]
    both = {"event_id": event, "type": "both_teams_to_score", "prices_milli": [1_800, 1_900]}
    story.real["market", 102] = operator.made("/v1/operator/markets", both)["market_id"]
    operator.made(f"/v1/operator/markets/{story.real['market', 102]}/resume")
    cap = {"level": "event", "id": made[81]["event_id"], "currency": "EUR", "max_stake_minor": 5_000}
    assert operator.send("PUT", "/v1/operator/caps", cap).is_success
