-- The journal: one append-only table of facts, the lease of its one writer, and snapshots of the state they add up to.
-- Refusals raised here carry SQLSTATEs of class OR: OR001 a stale writer, OR002 a change of what was written.

-- One row: how large a partition is (fixed when the journal is made), and what has been archived so far.
CREATE TABLE journal.shape (
    one           boolean PRIMARY KEY DEFAULT true CHECK (one),
    partition_rows bigint NOT NULL CHECK (partition_rows > 0),
    archived_seq  bigint  NOT NULL DEFAULT 0,
    archived_chain bytea  NOT NULL DEFAULT sha256('overround journal'::bytea)
);
INSERT INTO journal.shape (partition_rows) VALUES (5000000);

-- Every fact. Dense from 1. `batch` is the seq of the first row sealed together with this one; the last row of each
-- batch carries the hash chain. Time is microseconds since the Unix epoch, from the writer.
CREATE TABLE journal.event (
    seq   bigint PRIMARY KEY,
    batch bigint NOT NULL,
    epoch bigint NOT NULL,
    at_us bigint NOT NULL,
    kind  text   NOT NULL,
    body  text   NOT NULL,
    chain bytea
) PARTITION BY RANGE (seq);
ALTER TABLE journal.event ALTER COLUMN body SET STORAGE EXTERNAL;

-- The partitions in use: rows first_seq to last_seq live in the table `name`.
CREATE TABLE journal.partition (
    first_seq bigint PRIMARY KEY,
    last_seq  bigint NOT NULL UNIQUE,
    name      text   NOT NULL UNIQUE
);

CREATE FUNCTION journal.refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the journal is append-only: % refused', TG_OP USING ERRCODE = 'OR002';
END $$;

-- After every append, before its commit: the writer's epoch must be the lease's. The shared lock is held until the
-- commit is through, and a change of the epoch takes the same lock exclusively (see acquire_lease), so once somebody
-- holds a new epoch, no append of an older one can still become visible. It is taken after the last row arrived, so a
-- writer that was frozen half-way through sending cannot hold it.
CREATE FUNCTION journal.fence() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock_shared(7071, 1);
    IF (SELECT epoch FROM journal.lease) IS DISTINCT FROM current_setting('overround.epoch', true)::bigint THEN
        RAISE EXCEPTION 'epoch % is not the lease''s', current_setting('overround.epoch', true)
            USING ERRCODE = 'OR001';
    END IF;
    RETURN NULL;
END $$;

-- Statement triggers of the parent do not fire for statements that name a partition, so each partition has its own.
CREATE PROCEDURE journal.guard(guarded regclass) LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('CREATE TRIGGER fence AFTER INSERT ON %s FOR EACH STATEMENT EXECUTE FUNCTION journal.fence()', guarded);
    EXECUTE format('CREATE TRIGGER keep BEFORE UPDATE OR DELETE OR TRUNCATE ON %s
                    FOR EACH STATEMENT EXECUTE FUNCTION journal.refuse_change()', guarded);
END $$;
CALL journal.guard('journal.event');

-- Make partitions until the row `through` has one; returns the last row that has. A new partition is made alone and
-- then attached, which does not block appends.
CREATE FUNCTION journal.extend(through bigint) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    size    bigint;
    covered bigint;
    name    text;
BEGIN
    PERFORM pg_advisory_xact_lock(7071, 2);
    SELECT partition_rows, archived_seq INTO size, covered FROM journal.shape;
    SELECT greatest(covered, coalesce(max(last_seq), 0)) INTO covered FROM journal.partition;
    WHILE covered < through LOOP
        name := 'event_' || lpad((covered + 1)::text, 16, '0');
        EXECUTE format('CREATE TABLE journal.%I (LIKE journal.event INCLUDING STORAGE, PRIMARY KEY (seq),
                        CONSTRAINT span CHECK (seq > %s AND seq <= %s)) WITH (toast_tuple_target = 8160)',
                       name, covered, covered + size);
        EXECUTE format('CALL journal.guard(%L)', 'journal.' || name);
        EXECUTE format('ALTER TABLE journal.event ATTACH PARTITION journal.%I FOR VALUES FROM (%s) TO (%s)',
                       name, covered + 1, covered + size + 1);
        INSERT INTO journal.partition VALUES (covered + 1, covered + size, name);
        covered := covered + size;
    END LOOP;
    RETURN covered;
END $$;

-- One row: who may write, until when by the clock of this database.
CREATE TABLE journal.lease (
    one        boolean PRIMARY KEY DEFAULT true CHECK (one),
    epoch      bigint NOT NULL DEFAULT 0,
    holder     text NOT NULL DEFAULT '',
    expires_at timestamptz NOT NULL DEFAULT '-infinity'
);
INSERT INTO journal.lease DEFAULT VALUES;

-- The new epoch if the lease is free, expired, or the asker's own; otherwise null. Asking in vain takes no lock.
CREATE FUNCTION journal.acquire_lease(asker text, ttl interval) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    fresh bigint;
BEGIN
    IF NOT EXISTS (SELECT FROM journal.lease WHERE expires_at <= clock_timestamp() OR holder = asker) THEN
        RETURN NULL;
    END IF;
    PERFORM pg_advisory_xact_lock(7071, 1);
    UPDATE journal.lease SET epoch = epoch + 1, holder = asker, expires_at = clock_timestamp() + ttl
        WHERE expires_at <= clock_timestamp() OR holder = asker
        RETURNING epoch INTO fresh;
    RETURN fresh;
END $$;

-- What the rows up to `seq` add up to, encoded by the book in its `format`, cut into parts.
CREATE TABLE journal.snapshot (
    seq        bigint PRIMARY KEY,
    chain      bytea  NOT NULL,
    state_hash bytea  NOT NULL,
    format     integer NOT NULL,
    parts      integer NOT NULL,
    digest     bytea  NOT NULL,
    saved_at   timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE TABLE journal.snapshot_part (
    seq  bigint  NOT NULL REFERENCES journal.snapshot ON DELETE CASCADE,
    n    integer NOT NULL,
    body bytea   NOT NULL,
    PRIMARY KEY (seq, n)
);
ALTER TABLE journal.snapshot_part ALTER COLUMN body SET STORAGE EXTERNAL;
