-- The tables of the peer: what a service with one transaction a bet keeps.
CREATE SCHEMA peer;
CREATE TABLE peer.account (
    id            bigint PRIMARY KEY,
    token         text   NOT NULL UNIQUE,
    balance_minor bigint NOT NULL CHECK (balance_minor >= 0),
    max_stake_minor bigint NOT NULL
) WITH (fillfactor = 50);
CREATE TABLE peer.selection (
    market_id    bigint  NOT NULL,
    selection_id bigint  NOT NULL,
    price_milli  bigint  NOT NULL,
    open         boolean NOT NULL,
    PRIMARY KEY (market_id, selection_id)
);
CREATE TABLE peer.bet (
    id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    account_id   bigint NOT NULL REFERENCES peer.account,
    key          uuid   NOT NULL,
    market_id    bigint NOT NULL,
    selection_id bigint NOT NULL,
    stake_minor  bigint NOT NULL,
    price_milli  bigint NOT NULL,
    placed_at    timestamptz NOT NULL DEFAULT now(),
    UNIQUE (account_id, key)
);
CREATE TABLE peer.transfer (
    id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    account_id   bigint NOT NULL REFERENCES peer.account,
    bet_id       bigint NOT NULL REFERENCES peer.bet,
    amount_minor bigint NOT NULL
);
