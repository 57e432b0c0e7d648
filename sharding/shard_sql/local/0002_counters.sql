-- Changes of counters, one row each: two likers of one photo insert side by side where two updates of one row would queue.
-- roll_up() moves them into the logical shards' tables `counter`.
CREATE TABLE counter_delta (
    logical_shard smallint NOT NULL,
    kind smallint NOT NULL,
    key_id bigint NOT NULL,
    delta int NOT NULL,
    -- As on the counters: a misrouted change fails at its writer, not in a roll-up later.
    CONSTRAINT counter_delta_shard_key
        CHECK (CASE WHEN kind < 10 THEN (key_id >> 10) & 8191 ELSE key_id % {{shards}} END = logical_shard)
) WITH (
    -- All rows go within seconds: vacuum by count, however small or large the table is.
    autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000,
    autovacuum_vacuum_insert_threshold = -1, autovacuum_analyze_scale_factor = 0, autovacuum_analyze_threshold = 50000
);
CREATE INDEX counter_delta_key ON counter_delta (key_id, kind);

-- Move up to batch rows into the counters, whatever schemas they are for; returns how many. One statement, one transaction: a
-- reader's snapshot has each change either here or there. Rows of shards whose schema is not here wait (a move is under way).
CREATE FUNCTION roll_up(batch int) RETURNS bigint
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    group_of record;
    rows bigint := 0;
BEGIN
    -- One at a time: two would only wait for each other's counters.
    IF NOT pg_try_advisory_xact_lock(1768191853, 0) THEN
        RETURN 0;
    END IF;
    FOR group_of IN
        WITH taken AS (
            DELETE FROM local.counter_delta
            WHERE ctid = ANY (ARRAY(
                SELECT d.ctid FROM local.counter_delta d
                WHERE EXISTS (SELECT FROM pg_namespace WHERE nspname = 's' || lpad(d.logical_shard::text, 4, '0'))
                LIMIT batch
            ))
            RETURNING logical_shard, kind, key_id, delta
        ), summed AS (
            SELECT logical_shard, kind, key_id, sum(delta) AS change, count(*) AS rows
            FROM taken GROUP BY 1, 2, 3
        )
        SELECT logical_shard, sum(s.rows) AS rows, array_agg(kind) AS kinds, array_agg(key_id) AS keys,
               array_agg(change) AS changes
        FROM summed s GROUP BY 1
    LOOP
        rows := rows + group_of.rows;
        EXECUTE format(
            'INSERT INTO %I.counter AS c (kind, key_id, value) SELECT * FROM unnest($1, $2, $3)
             ON CONFLICT (key_id, kind) DO UPDATE SET value = c.value + excluded.value',
            's' || lpad(group_of.logical_shard::text, 4, '0')
        ) USING group_of.kinds, group_of.keys, group_of.changes;
    END LOOP;
    RETURN rows;
END
$$;
