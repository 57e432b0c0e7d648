-- Changes of counters, not yet rolled up: writers only insert, so a popular photo's likers never wait for each other.
CREATE TABLE counter_delta (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  logical_shard smallint NOT NULL,
  kind smallint NOT NULL,
  key_id bigint NOT NULL,
  delta integer NOT NULL
) WITH (autovacuum_vacuum_scale_factor = 0.01, autovacuum_vacuum_threshold = 1000);
CREATE INDEX counter_delta_key ON counter_delta (key_id, kind);

-- Fold up to `most` deltas into their shards' counters; returns how many. Safe beside writers and other roll-ups.
CREATE FUNCTION roll_up(most integer) RETURNS integer
LANGUAGE plpgsql AS $$
DECLARE
  taken bigint[];
  shard smallint;
  part record;
BEGIN
  SELECT array_agg(id ORDER BY logical_shard) INTO taken FROM (
    SELECT id, logical_shard FROM local.counter_delta ORDER BY id LIMIT most FOR UPDATE SKIP LOCKED
  ) AS oldest;
  IF taken IS NULL THEN RETURN 0; END IF;
  FOR shard IN SELECT DISTINCT logical_shard FROM local.counter_delta WHERE id = ANY(taken) ORDER BY 1 LOOP
    EXECUTE format(
      'INSERT INTO %I.sharding_counter AS counter (kind, key_id, value)
       SELECT kind, key_id, sum(delta) FROM local.counter_delta WHERE id = ANY($1) AND logical_shard = $2
       GROUP BY kind, key_id ORDER BY key_id, kind
       ON CONFLICT (key_id, kind) DO UPDATE SET value = counter.value + excluded.value',
      's' || lpad(shard::text, 4, '0')) USING taken, shard;
  END LOOP;
  DELETE FROM local.counter_delta WHERE id = ANY(taken);
  RETURN cardinality(taken);
END $$;
