"""Matches that hypothesis draws: rates, rho and moments."""

from hypothesis import strategies as st

from overround.trading import Joint, Moment, Rates, joint

MATCH = joint(Rates(1.6, 1.1), rho=-0.1)
PLAIN = joint(Rates(1.6, 1.1))

rates = st.builds(Rates, st.floats(0.05, 3.5), st.floats(0.05, 3.5))
rhos = st.floats(-0.2, 0.2)
minutes = st.one_of(st.just(0.0), st.floats(0.0, 90.0))
goals = st.integers(0, 4)


@st.composite
def moments(draw: st.DrawFn) -> Moment:
    home, away = draw(goals), draw(goals)
    cards = draw(st.integers(0, 2)), draw(st.integers(0, 2))
    return Moment(draw(minutes), home, away, draw(st.integers(0, home)), draw(st.integers(0, away)), *cards)


@st.composite
def tables(draw: st.DrawFn) -> Joint:
    return joint(draw(rates), rho=draw(rhos), moment=draw(moments()))
