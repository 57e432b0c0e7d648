-- Ids 41/13/10 (sharding/ids.py reads them). One function for all logical shards of the server: a compiled copy per
-- schema costs each backend 120 kB. The clock's value is milliseconds << 10 | sequence: an id without its shard.

CREATE FUNCTION next_id(shard integer, clock regclass, clock_ms bigint DEFAULT NULL) RETURNS bigint
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  -- clock_ms is for tests: what the clock says, ms since 1970.
  now_ms bigint := coalesce(clock_ms, (extract(epoch FROM clock_timestamp()) * 1000)::bigint) - {{epoch_ms}};
  tick bigint;
BEGIN
  -- The lock makes "draw, and jump to now when behind" one step. It must not outlive that step: a session lock stays
  -- held when the statement is cancelled, a plain transaction lock until commit. Rolling the sub-transaction back
  -- frees it; the sequence, which no roll-back touches, keeps its value.
  BEGIN
    PERFORM pg_advisory_xact_lock(41, shard);
    tick := nextval(clock);
    IF tick < now_ms << 10 THEN
      tick := setval(clock, now_ms << 10);
    END IF;
    RAISE SQLSTATE 'IDOUT';
  EXCEPTION WHEN SQLSTATE 'IDOUT' THEN
    NULL;
  END;
  IF tick >> 40 + 10 <> 0 THEN
    RAISE EXCEPTION 'ids are used up: the 41st bit of the clock would make them negative' USING ERRCODE = 'numeric_value_out_of_range';
  END IF;
  IF (tick >> 10) - now_ms > {{max_ahead_ms}} THEN
    RAISE EXCEPTION 'the id sequence of shard % is % ms ahead of the clock', shard, (tick >> 10) - now_ms
      USING HINT = 'Was the clock set back? Minting resumes when it has caught up.', ERRCODE = 'object_not_in_prerequisite_state';
  END IF;
  RETURN ((tick >> 10) << 23) | (shard::bigint << 10) | (tick & 1023);
END $$;

-- Set a shard's sequence past an id: after promote, restore or move. Never sets it back.
CREATE FUNCTION push_clock(shard integer, clock regclass, past_id bigint) RETURNS void
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  tick bigint := ((past_id >> 23) << 10) | (past_id & 1023);
BEGIN
  PERFORM pg_advisory_xact_lock(41, shard);
  PERFORM setval(clock, greatest(tick, nextval(clock)));
END $$;
