"""The examples in docstrings are run, so that they stay true."""

import doctest
from importlib import import_module
from pkgutil import iter_modules

import pytest

from overround import trading

MODULES = [f"overround.trading.{module.name}" for module in iter_modules(trading.__path__)]


@pytest.mark.parametrize("name", MODULES)
def test_examples(name: str) -> None:
    assert doctest.testmod(import_module(name)).failed == 0
