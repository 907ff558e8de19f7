-- Who people and programs are: schema `identity`. It alone knows names; the journal knows numbers. Instants are
-- microseconds since the Unix epoch, 0 is never.

CREATE SCHEMA IF NOT EXISTS identity;

-- A password is kept as its scrypt hash, with a salt and the parameters of its own.
CREATE TABLE IF NOT EXISTS identity.login (
    customer_id   bigint  PRIMARY KEY CHECK (customer_id > 0),
    username      text    NOT NULL UNIQUE,
    salt          bytea   NOT NULL,
    n             integer NOT NULL,
    r             integer NOT NULL,
    p             integer NOT NULL,
    hash          bytea   NOT NULL,
    created_at_us bigint  NOT NULL
);

-- Wrong passwords in a row, by the hash of the name that was tried, whether anybody has it or not: what is slowed down
-- does not tell who exists.
CREATE TABLE IF NOT EXISTS identity.attempt (
    name_hash        bytea   PRIMARY KEY,
    failures         integer NOT NULL,
    blocked_until_us bigint  NOT NULL,
    last_at_us       bigint  NOT NULL
);
CREATE INDEX IF NOT EXISTS attempt_last ON identity.attempt (last_at_us);

-- A token is kept as its SHA-256. Customers act as themselves; operators and services are actors below zero.
CREATE TABLE IF NOT EXISTS identity.token (
    id            bigint  GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    hash          bytea   NOT NULL UNIQUE CHECK (octet_length(hash) = 32),
    actor         bigint  NOT NULL CHECK (actor <> 0),
    scopes        text[]  NOT NULL CHECK (scopes <@ '{customer,operator,read_only}' AND cardinality(scopes) > 0),
    customer_id   bigint,
    name          text    NOT NULL,
    created_at_us bigint  NOT NULL,
    expires_at_us bigint  NOT NULL,
    revoked_at_us bigint  NOT NULL DEFAULT 0,
    CHECK (CASE WHEN actor > 0 THEN customer_id = actor AND NOT 'operator' = ANY (scopes)
                ELSE customer_id IS NULL AND NOT 'customer' = ANY (scopes) END)
);
-- The numbers of operators and services after the first, -1.
CREATE SEQUENCE IF NOT EXISTS identity.operator INCREMENT -1 MAXVALUE -2 START -2;

CREATE INDEX IF NOT EXISTS token_actor ON identity.token (actor, id);

-- The two keys of a customer's programs: one sees prices as they are, the other late. They name a program and open nothing.
CREATE TABLE IF NOT EXISTS identity.app_key (
    customer_id   bigint PRIMARY KEY CHECK (customer_id > 0),
    name          text   NOT NULL,
    live          text   NOT NULL UNIQUE,
    delayed       text   NOT NULL UNIQUE,
    created_at_us bigint NOT NULL
);
