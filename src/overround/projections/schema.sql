-- The tables that people query, folded from the journal. Nothing here is the truth: `read` may be dropped at any time and
-- is folded again from the first fact. Columns are named and explained as in the book; units stand last.
--
-- Columns that change later (a bet's status, an account's balance) are in no index, and pages leave room for the new
-- version of a row beside the old one, so that settling a million bets touches no index (PostgreSQL's HOT updates).

CREATE SCHEMA read;

-- How far the fold has come. It changes in the transaction of the rows themselves.
CREATE TABLE read.checkpoint (
    one     boolean PRIMARY KEY DEFAULT true CHECK (one),
    version integer NOT NULL,
    seq     bigint  NOT NULL DEFAULT 0,
    at_us   bigint  NOT NULL DEFAULT 0
) WITH (fillfactor = 10);

CREATE TABLE read.customer (
    id           bigint PRIMARY KEY,
    opened_at_us bigint NOT NULL
);

CREATE TABLE read.account (
    id            bigint PRIMARY KEY,
    customer_id   bigint NOT NULL,  -- 0 is the house
    kind          text   NOT NULL,
    currency      text   NOT NULL,
    balance_minor bigint NOT NULL,
    held_minor    bigint NOT NULL
) WITH (fillfactor = 50);
CREATE INDEX account_customer ON read.account (customer_id, currency);

CREATE TABLE read.bet (
    id             bigint  PRIMARY KEY,
    customer_id    bigint  NOT NULL,
    market_id      bigint  NOT NULL,
    selection_id   integer NOT NULL,
    currency       text    NOT NULL,
    stake_minor    bigint  NOT NULL,
    price_milli    integer NOT NULL,
    odds_change    text    NOT NULL,
    market_version integer NOT NULL,
    status         text    NOT NULL,
    outcome        text,
    payout_minor   bigint  NOT NULL,
    placed_at_us   bigint  NOT NULL,
    decide_at_us   bigint  NOT NULL,  -- 0 where it waited for nothing
    settled_at_us  bigint  NOT NULL,  -- 0 until settled; then when last settled
    refusal        text,              -- why a bet that waited does not stand
    actor          bigint  NOT NULL,
    key            uuid    NOT NULL,
    seq            bigint  NOT NULL,  -- the fact that took it
    -- Null for a plain single. A bet of a ticket has 0 as its market, selection, price and version, and legs; the bets of a
    -- ticket have ids from `ticket_id` on.
    ticket_id          bigint,
    stake_kind         text,
    grant_id           bigint,
    folds              json,
    lines              integer,
    each_way           boolean,
    potential_minor    bigint,
    -- Null until part of it is cashed out.
    cashed_stake_minor bigint,
    cashed_paid_minor  bigint,
    -- Why it pays what it pays: the market whose result decided it, the revision of that, and what the leg there multiplies a
    -- line by (numerator and denominator, and again for the place part; null where its price and outcome say all).
    settled_market_id  bigint,
    settled_revision   integer,
    factor             json
) WITH (fillfactor = 47);
CREATE INDEX bet_customer ON read.bet (customer_id, id);
CREATE INDEX bet_market ON read.bet (market_id, id);
CREATE INDEX bet_key ON read.bet (key);

-- What customers were given: free bets, boosts and bonuses, with their terms and what became of them.
CREATE TABLE read.grant (
    id              bigint  PRIMARY KEY,
    customer_id     bigint  NOT NULL,
    currency        text    NOT NULL,
    kind            text    NOT NULL,
    amount_minor    bigint  NOT NULL,  -- what a free bet stakes, a boost lets stake at most, a bonus credited
    min_price_milli integer NOT NULL,  -- 0 for any price
    percent_bps     integer NOT NULL,  -- how much a boost raises winnings
    required_minor  bigint  NOT NULL,  -- what is to be staked on a bonus until it is cash
    wagered_minor   bigint  NOT NULL,  -- what of it is
    status          text    NOT NULL,  -- a token stays open when it was used and when its time is over
    granted_at_us   bigint  NOT NULL,
    expires_at_us   bigint  NOT NULL,  -- later than it was, where a void bet gave a free bet back
    ended_at_us     bigint  NOT NULL,  -- 0 while it is open
    note            text    NOT NULL,
    actor           bigint  NOT NULL,  -- who gave it
    seq             bigint  NOT NULL   -- the fact that gave it
) WITH (fillfactor = 50);
CREATE INDEX grant_customer ON read.grant (customer_id, id);
-- Bonuses that run are looked up for whatever is settled. They are few, and each leaves the index once.
CREATE INDEX grant_running ON read.grant (customer_id, currency) WHERE kind = 'bonus' AND status = 'open';

-- The selections of the bets of tickets. A leg that is a bet builder has a row for each of its parts, from 1; any other has one
-- row, part 0. `price_milli` is that of the whole leg, 0 for the starting price.
CREATE TABLE read.bet_leg (
    bet_id         bigint  NOT NULL,
    n              integer NOT NULL,  -- from 1, in the order of the slip
    part           integer NOT NULL,
    market_id      bigint  NOT NULL,
    selection_id   integer NOT NULL,
    event_id       bigint  NOT NULL,
    price_milli    integer NOT NULL,
    each_way       json,              -- [numerator, denominator, places]
    best_odds      boolean NOT NULL,
    banker         boolean NOT NULL,
    builder_id     bigint  NOT NULL,  -- 0 where it is no bet builder
    market_version integer NOT NULL,
    PRIMARY KEY (bet_id, n, part)
);
CREATE INDEX bet_leg_market ON read.bet_leg (market_id, bet_id);

-- Tickets that a trader was asked about. `status` is referred, offered, accepted or refused.
CREATE TABLE read.referral (
    ticket_id      bigint PRIMARY KEY,
    customer_id    bigint NOT NULL,
    currency       text   NOT NULL,
    referred_at_us bigint NOT NULL,
    code           text   NOT NULL,  -- what it would have been refused for
    detail         json   NOT NULL,
    status         text   NOT NULL,
    decide_at_us   bigint NOT NULL   -- until when the trader, then the customer, may answer
);
CREATE INDEX referral_waiting ON read.referral (ticket_id) WHERE status IN ('referred', 'offered');

-- The first bet at or after an instant. Ids are dense and rise with time, so that halving finds it and no index is kept.
CREATE FUNCTION read.first_bet(since_us bigint) RETURNS bigint LANGUAGE plpgsql STABLE AS $$
DECLARE
    low    bigint := 1;
    high   bigint;
    middle bigint;
BEGIN
    SELECT coalesce(max(id), 0) + 1 INTO high FROM read.bet;
    WHILE low < high LOOP
        middle := (low + high) / 2;
        IF (SELECT placed_at_us FROM read.bet WHERE id = middle) < since_us THEN
            low := middle + 1;
        ELSE
            high := middle;
        END IF;
    END LOOP;
    RETURN low;
END $$;

-- One row a transfer. `account_id` is the customer's account of whose statement it is a line (cash before any other; null
-- between accounts of the house), and `balance_minor` what that account had after it.
CREATE TABLE read.transfer (
    seq           bigint  NOT NULL,
    n             integer NOT NULL,
    at_us         bigint  NOT NULL,
    debit         bigint  NOT NULL,
    credit        bigint  NOT NULL,
    amount_minor  bigint  NOT NULL,
    reason        text    NOT NULL,
    ref           bigint  NOT NULL,  -- the bet it is about, or 0
    note          text,
    account_id    bigint,
    balance_minor bigint,
    PRIMARY KEY (seq, n)
);
CREATE INDEX transfer_statement ON read.transfer (account_id, seq, n) WHERE account_id IS NOT NULL;

CREATE TABLE read.refusal (
    seq     bigint PRIMARY KEY,
    at_us   bigint NOT NULL,
    actor   bigint NOT NULL,
    key     uuid   NOT NULL,
    command text   NOT NULL,
    code    text   NOT NULL,
    detail  json   NOT NULL
);
CREATE INDEX refusal_actor ON read.refusal (actor, seq);
CREATE INDEX refusal_code ON read.refusal (code, seq);

CREATE TABLE read.sport (
    id   bigint PRIMARY KEY,
    name text   NOT NULL
);

CREATE TABLE read.competition (
    id       bigint PRIMARY KEY,
    sport_id bigint NOT NULL,
    name     text   NOT NULL,
    approved boolean NOT NULL
);

CREATE TABLE read.event (
    id             bigint PRIMARY KEY,
    competition_id bigint NOT NULL,
    name           text   NOT NULL,
    starts_at_us   bigint NOT NULL,
    status         text   NOT NULL,
    moment         text   NOT NULL  -- what the game is at, for in-play delays
);
CREATE INDEX event_starts ON read.event (starts_at_us, id);
CREATE INDEX event_competition ON read.event (competition_id, id);

CREATE TABLE read.market (
    id                   bigint  PRIMARY KEY,
    event_id             bigint  NOT NULL,
    type                 text    NOT NULL,
    specifiers           json    NOT NULL,
    feed                 text    NOT NULL,
    in_play              boolean NOT NULL,
    delay_us             bigint  NOT NULL,
    liability_minor      bigint  NOT NULL,
    status               text    NOT NULL,
    reason               text    NOT NULL,
    version              integer NOT NULL,
    confirmed_at_us      bigint  NOT NULL,
    revision             integer NOT NULL,
    settled_revision     integer NOT NULL,  -- the last revision whose every bet is settled
    result               json,
    terms                json    NOT NULL,  -- each-way, starting prices, best odds and the like; empty for the usual ones
    withdrawals          json    NOT NULL,  -- [selection_id, at_us, price_milli, from_start]
    owes_starting_prices boolean NOT NULL,
    heard                json,              -- [result, certainty] that is not certain enough yet
    cancelled            json    NOT NULL   -- [from_us, until_us] of which the bets are void
) WITH (fillfactor = 50);
CREATE INDEX market_event ON read.market (event_id, id);

CREATE TABLE read.selection (
    market_id         bigint  NOT NULL,
    id                integer NOT NULL,
    name              text    NOT NULL,
    price_milli       integer NOT NULL,  -- what is on offer; 0 while there is no price
    withdrawn_at_us   bigint  NOT NULL,  -- 0 while it is not withdrawn
    feed_price_milli  integer NOT NULL,
    override_milli    integer NOT NULL,  -- 0 while there is no override
    override_until_us bigint  NOT NULL,
    stopped           text    NOT NULL,  -- why the desk suspended the selection, empty where it did not
    PRIMARY KEY (market_id, id)
) WITH (fillfactor = 50);

CREATE TABLE read.feed (
    name       text    PRIMARY KEY,
    seen_at_us bigint  NOT NULL,
    silent     boolean NOT NULL,
    back_at_us bigint  NOT NULL
) WITH (fillfactor = 50);

-- What the desk decided at a level: a suspension, kept when it is over, and a margin. `approval_required` is the platform's.
CREATE TABLE read.control (
    level             text    NOT NULL,
    id                bigint  NOT NULL,
    reason            text    NOT NULL,
    since_us          bigint  NOT NULL,
    active            boolean NOT NULL,
    margin_bps        integer,
    approval_required boolean NOT NULL,
    PRIMARY KEY (level, id)
);

-- What the house takes at a level, in minor units; 0 bounds nothing.
CREATE TABLE read.cap (
    level               text    NOT NULL,
    id                  bigint  NOT NULL,  -- of the market for a selection, 0 for the platform
    selection_id        integer NOT NULL,
    currency            text    NOT NULL,
    max_stake_minor     bigint  NOT NULL,
    max_payout_minor    bigint  NOT NULL,
    max_liability_minor bigint  NOT NULL,
    PRIMARY KEY (level, id, selection_id, currency)
);

-- Markets with whether they take bets now: the rule is `catalogue.is_available`. Neither the silence of a feed nor the desk's
-- suspension of a level changes a market.
CREATE VIEW read.market_now AS
    SELECT market.*,
           market.status = 'open'
               AND (feed.name IS NULL OR (NOT feed.silent AND market.confirmed_at_us >= feed.back_at_us))
               AND NOT EXISTS (
                   SELECT FROM read.control WHERE control.active AND (control.level, control.id) IN (
                       ('platform', 0), ('sport', competition.sport_id), ('competition', competition.id),
                       ('event', event.id), ('market', market.id)))
               AND (competition.approved
                    OR NOT EXISTS (SELECT FROM read.control WHERE level = 'platform' AND approval_required)) AS available
    FROM read.market
    JOIN read.event ON event.id = market.event_id
    JOIN read.competition ON competition.id = event.competition_id
    LEFT JOIN read.feed ON feed.name = market.feed AND market.feed <> '';

CREATE TABLE read.price_history (
    market_id    bigint  NOT NULL,
    selection_id integer NOT NULL,
    seq          bigint  NOT NULL,
    at_us        bigint  NOT NULL,
    price_milli  integer NOT NULL,
    PRIMARY KEY (market_id, selection_id, seq)
);
CREATE INDEX price_history_seq ON read.price_history USING brin (seq) WITH (pages_per_range = 16);

CREATE TABLE read.market_status_history (
    market_id bigint  NOT NULL,
    seq       bigint  NOT NULL,
    at_us     bigint  NOT NULL,
    status    text    NOT NULL,
    reason    text    NOT NULL,
    version   integer NOT NULL,
    PRIMARY KEY (market_id, seq)
);
CREATE INDEX market_status_history_seq ON read.market_status_history USING brin (seq) WITH (pages_per_range = 16);

CREATE TABLE read.result (
    market_id bigint  NOT NULL,
    revision  integer NOT NULL,
    seq       bigint  NOT NULL,
    at_us     bigint  NOT NULL,
    result    json,              -- null where the result before was taken back
    certainty integer NOT NULL,
    PRIMARY KEY (market_id, revision)
);
CREATE INDEX result_seq ON read.result USING brin (seq) WITH (pages_per_range = 16);

-- Windows whose bets on a market were cancelled, and (`cancelled` false) restored.
CREATE TABLE read.bet_window (
    market_id bigint  NOT NULL,
    revision  integer NOT NULL,
    seq       bigint  PRIMARY KEY,
    at_us     bigint  NOT NULL,
    from_us   bigint  NOT NULL,
    until_us  bigint  NOT NULL,
    reason    text    NOT NULL,
    cancelled boolean NOT NULL
);
CREATE INDEX bet_window_market ON read.bet_window (market_id, seq);

-- Parts of bets that were cashed out. `by_rule` says that a standing rule asked; `running_minor` ran on.
CREATE TABLE read.cash_out (
    quote_id      bigint  NOT NULL,
    bet_id        bigint  NOT NULL,
    customer_id   bigint  NOT NULL,
    stake_minor   bigint  NOT NULL,
    amount_minor  bigint  NOT NULL,
    running_minor bigint  NOT NULL,
    by_rule       boolean NOT NULL,
    seq           bigint  PRIMARY KEY,
    at_us         bigint  NOT NULL
);
CREATE INDEX cash_out_bet ON read.cash_out (bet_id, seq);

-- Prices of several selections of one event together. `parts` are [market_id, selection_id].
CREATE TABLE read.builder_price (
    builder_id    bigint  NOT NULL,
    event_id      bigint  NOT NULL,
    parts         json    NOT NULL,
    versions      json    NOT NULL,  -- of the parts' markets
    price_milli   integer NOT NULL,
    expires_at_us bigint  NOT NULL,
    seq           bigint  PRIMARY KEY,
    at_us         bigint  NOT NULL
);
CREATE INDEX builder_price_id ON read.builder_price (builder_id);

-- Limits, exclusions and terms as they were set. `kind` is a limit's name, or cool_off, self_exclusion, player_terms or
-- house_terms; `amount_minor` is null where a limit was taken away.
CREATE TABLE read.limit_change (
    seq          bigint PRIMARY KEY,
    at_us        bigint NOT NULL,
    actor        bigint NOT NULL,
    customer_id  bigint NOT NULL,  -- 0 is the house
    currency     text   NOT NULL,  -- empty for what holds in every currency
    kind         text   NOT NULL,
    amount_minor bigint,
    from_us      bigint NOT NULL,
    until_us     bigint NOT NULL,  -- 0 for no end
    terms        json
);
CREATE INDEX limit_change_customer ON read.limit_change (customer_id, seq);

-- What people at the house decided, each with what was before and after. `actor` is below zero for an operator; 0 is the house
-- itself, or a part of a request whose last fact has the actor.
CREATE TABLE read.operator_action (
    seq     bigint PRIMARY KEY,
    at_us   bigint NOT NULL,
    actor   bigint NOT NULL,
    kind    text   NOT NULL,
    subject json   NOT NULL,
    before  json   NOT NULL,
    after   json   NOT NULL
);
CREATE INDEX operator_action_actor ON read.operator_action (actor, seq);
CREATE INDEX operator_action_kind ON read.operator_action (kind, seq);

-- A market of the exchange. `name`, `market_type` and `currency` are among its `terms` too.
CREATE TABLE read.exchange_market (
    id            bigint  PRIMARY KEY,
    event_id      bigint  NOT NULL,
    name          text    NOT NULL,
    market_type   text    NOT NULL,
    currency      text    NOT NULL,
    terms         json    NOT NULL,
    bet_delay_us  bigint  NOT NULL,
    passive       boolean NOT NULL,
    status        text    NOT NULL,
    in_play       boolean NOT NULL,
    reconciled    boolean NOT NULL,  -- its starting prices are made
    version       integer NOT NULL,
    created_at_us bigint  NOT NULL,
    settled_at_us bigint  NOT NULL,  -- 0 until every position is settled; then when last
    revision      integer NOT NULL,  -- of the result
    result        json,
    residues      json    NOT NULL,  -- what settlement left to the house, by currency
    changed_seq   bigint  NOT NULL   -- the last fact that changed it, or an order on it
) WITH (fillfactor = 50);
CREATE INDEX exchange_market_event ON read.exchange_market (event_id, id);

-- The runners of a market; `n`, from 0, is how orders and trades name one.
CREATE TABLE read.exchange_runner (
    market_id         bigint  NOT NULL,
    n                 integer NOT NULL,
    selection_id      bigint  NOT NULL,
    name              text    NOT NULL,
    handicap_quarters integer NOT NULL,
    factor_bp         integer NOT NULL,  -- how likely it was thought, in basis points
    status            text    NOT NULL,
    removed_at_us     bigint  NOT NULL,  -- 0 while it is in
    sp_milli          bigint  NOT NULL,  -- its starting price, 0 where it has none
    PRIMARY KEY (market_id, n)
) WITH (fillfactor = 50);

-- Every order there ever was. Sizes are minor units of the market's currency and add up: size = remaining + matched + lapsed +
-- cancelled + voided; each time is when that last grew, 0 for never. Matched divides `matched_value` to the average price, in
-- thousandths. `profit_minor` is in the wallet's currency, before commission, which is the position's.
--
-- Matching touches no index. Cancelling, lapsing and voiding each touch one that has only such orders.
CREATE TABLE read.exchange_order (
    id              bigint  PRIMARY KEY,
    customer_id     bigint  NOT NULL,
    market_id       bigint  NOT NULL,
    runner          integer NOT NULL,
    side            text    NOT NULL,
    type            text    NOT NULL,
    price_milli     bigint  NOT NULL,  -- 0 for any price at the start
    size_minor      bigint  NOT NULL,  -- of an order for the starting price: what was matched
    liability_minor bigint  NOT NULL,  -- of an order for the starting price, else 0
    persistence     text    NOT NULL,
    time_in_force   text    NOT NULL,
    min_fill_minor  bigint  NOT NULL,
    target          text    NOT NULL,
    target_minor    bigint  NOT NULL,
    ref             text    NOT NULL,
    strategy        text    NOT NULL,
    status          text    NOT NULL,
    remaining_minor bigint  NOT NULL,
    matched_minor   bigint  NOT NULL,
    matched_value   bigint  NOT NULL,  -- the sum of size × price_milli over its matches
    lapsed_minor    bigint  NOT NULL,
    cancelled_minor bigint  NOT NULL,
    voided_minor    bigint  NOT NULL,
    profit_minor    bigint  NOT NULL,
    placed_at_us    bigint  NOT NULL,
    decide_at_us    bigint  NOT NULL,  -- when its in-play delay ends or ended, 0 without
    matched_at_us   bigint  NOT NULL,
    lapsed_at_us    bigint  NOT NULL,
    cancelled_at_us bigint  NOT NULL,
    voided_at_us    bigint  NOT NULL,
    settled_at_us   bigint  NOT NULL,
    lapse_reason    text,              -- why it last lapsed
    lapse           text    NOT NULL,  -- the stream's code for that, where it lapsed before it came to the book; else empty
    market_version  integer NOT NULL,  -- the last version of its market that it may meet after its delay, 0 for any
    seq             bigint  NOT NULL   -- the fact that placed it
) WITH (fillfactor = 60);
CREATE INDEX exchange_order_customer ON read.exchange_order (customer_id, id);
CREATE INDEX exchange_order_market ON read.exchange_order (market_id, id);
CREATE INDEX exchange_order_own ON read.exchange_order (market_id, customer_id, id);
CREATE INDEX exchange_order_cancelled ON read.exchange_order (customer_id, cancelled_at_us, id) WHERE cancelled_minor > 0;
CREATE INDEX exchange_order_lapsed ON read.exchange_order (customer_id, lapsed_at_us, id) WHERE lapsed_minor > 0;
CREATE INDEX exchange_order_voided ON read.exchange_order (customer_id, voided_at_us, id) WHERE voided_minor > 0;

-- Every match. `back` and `lay` are orders; 0, and customer 0, is the house between the legs of a cross match, which share
-- `group_id` (the first of them; 0 for a direct match, -1 for one at the starting price).
CREATE TABLE read.exchange_trade (
    id               bigint  PRIMARY KEY,
    market_id        bigint  NOT NULL,
    runner           integer NOT NULL,
    price_milli      bigint  NOT NULL,  -- lower than it was made at where a runner was removed since
    size_minor       bigint  NOT NULL,
    back             bigint  NOT NULL,
    lay              bigint  NOT NULL,
    back_customer_id bigint  NOT NULL,
    lay_customer_id  bigint  NOT NULL,
    group_id         bigint  NOT NULL,
    voided           boolean NOT NULL,
    at_us            bigint  NOT NULL,
    seq              bigint  NOT NULL
);
CREATE INDEX exchange_trade_market ON read.exchange_trade (market_id, id);
CREATE INDEX exchange_trade_back ON read.exchange_trade (back_customer_id, id) WHERE back_customer_id > 0;
CREATE INDEX exchange_trade_lay ON read.exchange_trade (lay_customer_id, id) WHERE lay_customer_id > 0;

-- What a market's last settlement made of a customer's orders on it, in the wallet's currency: `rate_to` of its minor units for
-- `rate_from` of the market's, fixed by the first order. Customer 0 is the house between the legs of cross matches.
CREATE TABLE read.exchange_position (
    market_id        bigint  NOT NULL,
    customer_id      bigint  NOT NULL,
    currency         text    NOT NULL,
    rate_to          bigint  NOT NULL,
    rate_from        bigint  NOT NULL,
    net_minor        bigint  NOT NULL,  -- before commission
    commission_minor bigint  NOT NULL,
    void             boolean NOT NULL,  -- settled by a result that calls everything off
    settled_revision integer NOT NULL,  -- of the result, 0 until settled
    settled_at_us    bigint  NOT NULL,
    changed_seq      bigint  NOT NULL,  -- the last fact that changed an order of the customer's on the market
    PRIMARY KEY (market_id, customer_id)
) WITH (fillfactor = 50);
CREATE INDEX exchange_position_settled ON read.exchange_position (customer_id, settled_at_us, market_id);
CREATE INDEX exchange_position_void ON read.exchange_position (customer_id, settled_at_us, market_id) WHERE void;

-- What currencies are worth on the exchange: `minor` of its minor units for `book_minor` of GBP's.
CREATE TABLE read.exchange_rate (
    currency   text   PRIMARY KEY,
    minor      bigint NOT NULL,
    book_minor bigint NOT NULL
);

-- How much less commission a customer pays, in basis points of it.
CREATE TABLE read.exchange_discount (
    customer_id bigint  PRIMARY KEY,
    discount_bp integer NOT NULL
);
