"""The engines and the processes: PostgreSQL, NATS, the supervisor, log set-up, free ports.

Owns nothing about betting. Everything here starts, watches or talks to something outside the Python process.

Invariants:

- An embedded engine is the real engine with durable settings; nothing here lowers `fsync` or
  `synchronous_commit`.
- A child process dies with its supervisor, however the supervisor dies (Linux: `PR_SET_PDEATHSIG`).
- Secrets are written to files of mode 0600 and never to a log.
"""
