"""The processes. Each wires the rooms together and runs; settings come in by one door, `settings`."""
