-- The usual batch has no row in any inbox yet, and a plain INSERT of it takes two thirds of the time that ON CONFLICT
-- does, which looks before it writes (docs/feeds.md). So the rows are inserted plainly, and only if one is there already
-- (a repeat, or a backfill was faster) the batch is undone and inserted again around what is there.
CREATE FUNCTION insert_into_inboxes(photo_id bigint, author_id bigint, follower_ids bigint[], on_conflict text)
RETURNS bigint[]
LANGUAGE plpgsql AS $$
DECLARE
  part record;
  unplaced bigint[] := '{}';
BEGIN
  FOR part IN
    SELECT 's' || lpad((id % {{shards}})::text, 4, '0') AS schema, array_agg(id) AS ids
    FROM unnest(follower_ids) AS id GROUP BY id % {{shards}}
  LOOP
    IF to_regclass(part.schema || '.feeds_inbox') IS NULL THEN
      unplaced := unplaced || part.ids;
    ELSE
      EXECUTE 'INSERT INTO ' || part.schema || '.feeds_inbox (user_id, photo_id, author_id)'
        ' SELECT unnest($3), $1, $2 ' || on_conflict
        USING photo_id, author_id, part.ids;
    END IF;
  END LOOP;
  RETURN unplaced;
END $$;

CREATE OR REPLACE FUNCTION deliver(photo_id bigint, author_id bigint, follower_ids bigint[]) RETURNS bigint[]
LANGUAGE plpgsql AS $$
BEGIN
  RETURN local.insert_into_inboxes(photo_id, author_id, follower_ids, '');
EXCEPTION WHEN unique_violation THEN
  RETURN local.insert_into_inboxes(photo_id, author_id, follower_ids, 'ON CONFLICT DO NOTHING');
END $$;
