"""The words every room shares: money, price, instant, ids, rounding, refusal. Pure; imports nothing of ours."""
