"""Overround: a self-hosted betting house. Read ARCHITECTURE.md first."""
