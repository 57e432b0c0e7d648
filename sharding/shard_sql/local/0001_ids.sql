-- Ids of 41 bits milliseconds since the epoch, 13 bits logical shard, 10 bits sequence: minted here, read by sharding/ids.py.
-- Shared by all schemas of the server: a copy in each would be compiled anew by every backend for every schema.

-- What the ids of this installation were begun with; may never change. The runner compares it with the settings.
CREATE TABLE installation (
    only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    logical_shards int NOT NULL CHECK (logical_shards BETWEEN 1 AND 8192),
    id_epoch_ms bigint NOT NULL,
    id_max_ahead_ms bigint NOT NULL
);
INSERT INTO installation (logical_shards, id_epoch_ms, id_max_ahead_ms)
VALUES ({{shards}}, {{epoch_ms}}, {{max_ahead_ms}});

-- The sequence `clock` of a logical shard holds milliseconds * 1024 + sequence, so it orders as the ids do.
--
-- nextval, then setval when the clock has passed it: two steps that race without a lock (a setval computed early undoes
-- another session's nextval). The lock must be gone as soon as the sequence is right, not at the end of a caller's
-- long transaction, and also when the statement is cancelled between any two instructions, which a session-level
-- lock is not. So it is taken in a sub-transaction that always fails: rolling that back frees the lock, while the
-- sequence, which no transaction rolls back, keeps its value.
--
-- clock_ms: milliseconds since 1970, for tests; else the server's clock.
-- Raises ID002 when the sequence is more than {{max_ahead_ms}} ms ahead of the clock (the clock stepped back that far:
-- wait, or mend the clock), ID003 when the time no longer fits below the sign bit, 34.8 years after the epoch.
CREATE FUNCTION next_id(shard int, clock regclass, clock_ms bigint DEFAULT NULL) RETURNS bigint
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE AS $$
DECLARE
    now_ms bigint := coalesce(clock_ms, floor(date_part('epoch', clock_timestamp()) * 1000)::bigint) - {{epoch_ms}};
    tick bigint;
BEGIN
    BEGIN
        PERFORM pg_advisory_xact_lock(1768191852, clock::oid::int);
        IF now_ms >= 1::bigint << 40 THEN
            RAISE SQLSTATE 'ID003' USING MESSAGE = format('logical shard %s: ids have run out of time (ms %s)', shard, now_ms);
        END IF;
        tick := nextval(clock);
        IF tick < (now_ms << 10) THEN
            tick := setval(clock, now_ms << 10);
        ELSIF (tick >> 10) - now_ms > {{max_ahead_ms}} THEN
            RAISE SQLSTATE 'ID002' USING MESSAGE = format(
                'logical shard %s: its ids are %s ms ahead of the clock, more than {{max_ahead_ms}}', shard, (tick >> 10) - now_ms);
        ELSIF tick >= 1::bigint << 50 THEN
            RAISE SQLSTATE 'ID003' USING MESSAGE = format('logical shard %s: ids have run out of time', shard);
        END IF;
        RAISE SQLSTATE 'ID001';
    EXCEPTION WHEN SQLSTATE 'ID001' THEN
        NULL;
    END;
    RETURN ((tick >> 10) << 23) | (shard << 10) | (tick & 1023);
END
$$;

-- Set a shard's sequence past an id of it, if it is not already; after promote, restore or a move, when the sequence may be
-- older than the rows. Returns the smallest id the shard can mint from now on.
CREATE FUNCTION push_clock(shard int, clock regclass, past_id bigint) RETURNS bigint
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE AS $$
DECLARE
    tick bigint;
BEGIN
    IF past_id < 0 OR (past_id >> 10) & 8191 <> shard THEN
        RAISE 'id % is not of logical shard %', past_id, shard;
    END IF;
    BEGIN
        PERFORM pg_advisory_xact_lock(1768191852, clock::oid::int);
        tick := greatest(nextval(clock), (((past_id >> 23) << 10) | (past_id & 1023)) + 1);
        -- Not yet used: the next nextval gives exactly it.
        PERFORM setval(clock, tick, false);
        RAISE SQLSTATE 'ID001';
    EXCEPTION WHEN SQLSTATE 'ID001' THEN
        NULL;
    END;
    RETURN ((tick >> 10) << 23) | (shard << 10) | (tick & 1023);
END
$$;
