"""The calibration plot as plain SVG: how often things came, against how likely they were said to be."""

from collections.abc import Sequence
from html import escape
from typing import Final

from overround.trading.evaluate import Score

SIDE: Final = 420
MARGIN: Final = 56
WIDTH: Final = SIDE + 2 * MARGIN + 190
COLOURS: Final = ("#2563eb", "#d97706", "#059669", "#7c3aed", "#dc2626", "#475569")
STYLE: Final = (
    "text{font:12px system-ui,sans-serif;fill:#334155}"
    ".axis{stroke:#cbd5e1;stroke-width:1}.truth{stroke:#94a3b8;stroke-dasharray:4 4}"
)


def draw(scores: Sequence[Score], *, title: str) -> str:
    """A line for each forecaster through its bins, with a bar of one standard error, and the diagonal of the truth."""
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {SIDE + 2 * MARGIN}" role="img">',
        f"<title>{escape(title)}</title><style>{STYLE}</style>",
        f'<rect width="{WIDTH}" height="{SIDE + 2 * MARGIN}" fill="#fff"/>',
        f'<text x="{MARGIN}" y="28" style="font-weight:600">{escape(title)}</text>',
        *_axes(),
    ]
    for number, (score, colour) in enumerate(zip(scores, COLOURS, strict=False)):
        parts += [*_line(score, colour), *_legend(score, colour, number)]
    return "\n".join([*parts, "</svg>", ""])


def _x(probability: float) -> float:
    return round(MARGIN + SIDE * probability, 1)


def _y(probability: float) -> float:
    return round(MARGIN + SIDE * (1.0 - probability), 1)


def _axes() -> list[str]:
    parts = []
    for tenth in range(0, 11, 2):
        at = tenth / 10
        parts += [
            f'<path class="axis" d="M{_x(at)} {_y(0)}V{_y(1)}M{_x(0)} {_y(at)}H{_x(1)}"/>',
            f'<text x="{_x(at)}" y="{_y(0) + 18}" text-anchor="middle">{10 * tenth} %</text>',
            f'<text x="{_x(0) - 8}" y="{_y(at) + 4}" text-anchor="end">{10 * tenth} %</text>',
        ]
    return [
        *parts,
        f'<path class="truth" d="M{_x(0)} {_y(0)}L{_x(1)} {_y(1)}"/>',
        f'<text x="{_x(0.5)}" y="{_y(0) + 40}" text-anchor="middle">said to come</text>',
        f'<text x="14" y="{_y(0.5)}" text-anchor="middle" transform="rotate(-90 14 {_y(0.5)})">came</text>',
    ]


def _line(score: Score, colour: str) -> list[str]:
    points = " ".join(f"{_x(each.forecast)},{_y(each.came)}" for each in score.bins)
    parts = [f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="1.5"/>']
    for each in score.bins:
        low, high = max(0.0, each.came - each.error), min(1.0, each.came + each.error)
        parts += [
            f'<path d="M{_x(each.forecast)} {_y(low)}V{_y(high)}" stroke="{colour}" stroke-opacity=".4"/>',
            f'<circle cx="{_x(each.forecast)}" cy="{_y(each.came)}" r="3" fill="{colour}">',
            f"<title>{each.forecasts} forecasts of {each.forecast:.1%}: {each.came:.1%} came</title></circle>",
        ]
    return parts


def _legend(score: Score, colour: str, number: int) -> list[str]:
    y = MARGIN + 20 + 34 * number
    x = SIDE + MARGIN + 24
    return [
        f'<circle cx="{x}" cy="{y - 4}" r="5" fill="{colour}"/>',
        f'<text x="{x + 12}" y="{y}">{escape(score.name)}</text>',
        f'<text x="{x + 12}" y="{y + 15}" fill-opacity=".7">RPS {score.rps:.4f}, {score.matches:,} matches</text>',
    ]
