"""What others would do on the same PostgreSQL: a service of the usual shape, one transaction a bet."""
