-- Who of this server's people is asleep: one look here for a whole batch of a fan-out, whatever schemas it is for.
CREATE TABLE asleep (
  user_id bigint PRIMARY KEY,
  logical_shard smallint NOT NULL,
  since timestamptz NOT NULL DEFAULT clock_timestamp()
);

-- Put one photo into the inboxes of those followers who are not asleep. Safe to repeat.
-- unplaced: followers whose schema is not here (their shard moved). left_out: how many are asleep.
-- Somebody who wakes up meanwhile misses nothing: the photo was committed before, and their inbox is rebuilt after.
CREATE FUNCTION deliver_to_awake(
  photo_id bigint, author_id bigint, follower_ids bigint[], OUT unplaced bigint[], OUT left_out integer
) LANGUAGE plpgsql AS $$
DECLARE
  -- A join: of 10,000 followers it takes a tenth of what = ANY() does.
  sleepers bigint[] := ARRAY(SELECT id FROM unnest(follower_ids) AS id JOIN local.asleep ON asleep.user_id = id);
BEGIN
  left_out := cardinality(sleepers);
  IF left_out > 0 THEN
    follower_ids := ARRAY(SELECT unnest(follower_ids) EXCEPT SELECT unnest(sleepers));
  END IF;
  unplaced := local.deliver(photo_id, author_id, follower_ids);
END $$;

-- Put people of one logical shard to sleep who were not seen since; their inboxes are emptied. Returns how many.
CREATE FUNCTION fall_asleep(shard int, unseen_since timestamptz, most int) RETURNS int
LANGUAGE plpgsql AS $$
DECLARE
  space text := 's' || lpad(shard::text, 4, '0');
  sleepers bigint[];
BEGIN
  -- A visit at this moment holds the row: whoever has it is left for the next time.
  EXECUTE format('WITH unseen AS (SELECT user_id FROM %I.feeds_reader WHERE seen_at < $1 AND NOT asleep'
    ' ORDER BY seen_at LIMIT $2 FOR UPDATE SKIP LOCKED),'
    ' changed AS (UPDATE %I.feeds_reader AS reader SET asleep = true, complete_above = 9223372036854775807,'
    ' version = version + 1 FROM unseen WHERE reader.user_id = unseen.user_id RETURNING reader.user_id)'
    ' SELECT array_agg(user_id ORDER BY user_id) FROM changed', space, space)
    INTO sleepers USING unseen_since, most;
  INSERT INTO local.asleep (user_id, logical_shard) SELECT id, shard FROM unnest(sleepers) AS id ON CONFLICT DO NOTHING;
  EXECUTE format('DELETE FROM %I.feeds_inbox WHERE user_id = ANY($1)', space) USING sleepers;
  RETURN coalesce(cardinality(sleepers), 0);
END $$;

-- Cut the inboxes of one logical shard that hold more than kept + slack rows down to the newest `kept`, for `people`
-- after `past`. reached: the last one looked at, null at the end. trimmed: rows deleted.
CREATE FUNCTION trim_inboxes(shard int, past bigint, people int, kept int, slack int, OUT reached bigint, OUT trimmed bigint)
LANGUAGE plpgsql AS $$
DECLARE
  space text := 's' || lpad(shard::text, 4, '0');
  person bigint := past;
  beyond bigint;
  deleted bigint;
BEGIN
  trimmed := 0;
  FOR turn IN 1..people LOOP
    EXECUTE format('SELECT min(user_id) FROM %I.feeds_inbox WHERE user_id > $1', space) INTO person USING person;
    reached := person;
    EXIT WHEN person IS NULL;
    EXECUTE format('INSERT INTO %I.feeds_reader (user_id) VALUES ($1) ON CONFLICT DO NOTHING', space) USING person;
    EXECUTE format('SELECT photo_id FROM %I.feeds_inbox WHERE user_id = $1 ORDER BY photo_id DESC OFFSET $2 LIMIT 1', space)
      INTO beyond USING person, kept + slack;
    CONTINUE WHEN beyond IS NULL;
    EXECUTE format('SELECT photo_id FROM %I.feeds_inbox WHERE user_id = $1 ORDER BY photo_id DESC OFFSET $2 LIMIT 1', space)
      INTO beyond USING person, kept;
    -- The reader's row first, in the order of a rebuild.
    EXECUTE format('UPDATE %I.feeds_reader SET complete_above = greatest(complete_above, $2), version = version + 1'
      ' WHERE user_id = $1', space) USING person, beyond;
    EXECUTE format('DELETE FROM %I.feeds_inbox WHERE user_id = $1 AND photo_id <= $2', space) USING person, beyond;
    GET DIAGNOSTICS deleted = ROW_COUNT;
    trimmed := trimmed + deleted;
  END LOOP;
END $$;

-- The newest photos of some authors whose shards are on this server: at most `each` of every author.
CREATE FUNCTION photos_of(author_ids bigint[], below bigint, above bigint, each int)
RETURNS TABLE (photo_id bigint, author_id bigint)
LANGUAGE plpgsql STABLE AS $$
DECLARE
  part record;
BEGIN
  FOR part IN
    SELECT 's' || lpad((id % {{shards}})::text, 4, '0') AS space, array_agg(id) AS ids
    FROM unnest(author_ids) AS id GROUP BY id % {{shards}}
  LOOP
    RETURN QUERY EXECUTE format('SELECT photo.id, photo.author_id FROM unnest($1) AS author (id), LATERAL (SELECT id,'
      ' author_id FROM %I.photos_photo WHERE author_id = author.id AND state = 0 AND id < $2 AND id > $3'
      ' ORDER BY id DESC LIMIT $4) AS photo', part.space) USING part.ids, below, above, each;
  END LOOP;
END $$;
