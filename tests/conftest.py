"""What every test has in common: how Hypothesis explores."""

from hypothesis import settings

# Timing decides no test, so no example has a deadline; a failure prints what repeats it.
settings.register_profile("house", deadline=None, print_blob=True)
settings.load_profile("house")
