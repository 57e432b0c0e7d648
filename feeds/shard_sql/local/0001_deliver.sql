-- Put one photo into the inboxes of many followers, in whichever schemas of this server they are: one round trip for a
-- batch of a fan-out. Returns the followers whose schema is not here (their shard moved). Safe to repeat.
CREATE FUNCTION deliver(photo_id bigint, author_id bigint, follower_ids bigint[]) RETURNS bigint[]
LANGUAGE plpgsql AS $$
DECLARE
  part record;
  unplaced bigint[] := '{}';
BEGIN
  FOR part IN
    SELECT 's' || lpad((id % {{shards}})::text, 4, '0') AS schema, array_agg(id ORDER BY id) AS ids
    FROM unnest(follower_ids) AS id GROUP BY id % {{shards}} ORDER BY id % {{shards}}
  LOOP
    IF to_regclass(part.schema || '.feeds_inbox') IS NULL THEN
      unplaced := unplaced || part.ids;
    ELSE
      EXECUTE 'INSERT INTO ' || part.schema || '.feeds_inbox (user_id, photo_id, author_id)'
        ' SELECT id, $1, $2 FROM unnest($3) AS id ON CONFLICT DO NOTHING'
        USING photo_id, author_id, part.ids;
    END IF;
  END LOOP;
  RETURN unplaced;
END $$;

-- Take one photo out of the inboxes of many followers.
CREATE FUNCTION withdraw(photo_id bigint, follower_ids bigint[]) RETURNS bigint[]
LANGUAGE plpgsql AS $$
DECLARE
  part record;
  unplaced bigint[] := '{}';
BEGIN
  FOR part IN
    SELECT 's' || lpad((id % {{shards}})::text, 4, '0') AS schema, array_agg(id ORDER BY id) AS ids
    FROM unnest(follower_ids) AS id GROUP BY id % {{shards}} ORDER BY id % {{shards}}
  LOOP
    IF to_regclass(part.schema || '.feeds_inbox') IS NULL THEN
      unplaced := unplaced || part.ids;
    ELSE
      EXECUTE 'DELETE FROM ' || part.schema || '.feeds_inbox WHERE user_id = ANY($2) AND photo_id = $1'
        USING photo_id, part.ids;
    END IF;
  END LOOP;
  RETURN unplaced;
END $$;
