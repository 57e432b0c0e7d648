-- Writing the index tables of many logical shards in one round trip. Arrays of equal length, a row each; listed NULL takes
-- the row out. A schema that is not here raises "no such table": the task then looks again where the shard is.

-- Great-circle distance in metres (haversine), on a sphere of the Earth's mean radius.
CREATE FUNCTION metres_between(lat1 float8, lng1 float8, lat2 float8, lng2 float8) RETURNS float8
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT 2 * 6371008.8 * asin(sqrt(least(1,
    sin(radians(lat2 - lat1) / 2) ^ 2 + cos(radians(lat1)) * cos(radians(lat2)) * sin(radians(lng2 - lng1) / 2) ^ 2)))
$$;

-- Tags whose total changed: the relay copies them to the directory in main (photos/tasks.py) and deletes the rows.
CREATE TABLE tag_changed (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  logical_shard smallint NOT NULL,
  tag text NOT NULL
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000, autovacuum_vacuum_insert_threshold = -1);

-- moments: milliseconds since 1970 of each tagging. A row that is there keeps its tag_id, unless it says an earlier moment
-- than the owner's shard does: then what brought the tag first is gone, and a later comment holds it.
CREATE FUNCTION index_tags(
  shards int[], tags text[], photos bigint[], moments bigint[], authors bigint[], listings boolean[]
) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
  entry record;
  old record;
  space text;
  free_id bigint;
  change int;
  inserted int;
BEGIN
  FOR entry IN
    SELECT * FROM unnest(shards, tags, photos, moments, authors, listings)
      AS given (shard, tag, photo, moment, author, is_listed)
    ORDER BY shard, tag, photo -- two calls that meet lock totals in the same order
  LOOP
    space := 's' || lpad(entry.shard::text, 4, '0');
    -- The tag's one lock, held to the end of the call.
    EXECUTE format('INSERT INTO %I.photos_tagtotal AS total (tag, media_count, version) VALUES ($1, 0, 0)'
      ' ON CONFLICT (tag) DO UPDATE SET version = total.version', space) USING entry.tag;
    EXECUTE format('SELECT listed, tag_id FROM %I.photos_tagged WHERE tag = $1 AND photo_id = $2', space)
      INTO old USING entry.tag, entry.photo;
    change := coalesce(entry.is_listed::int, 0) - coalesce(old.listed::int, 0);
    IF old.tag_id IS NOT NULL AND (entry.is_listed IS NULL OR old.tag_id < entry.moment) THEN
      EXECUTE format('DELETE FROM %I.photos_tagged WHERE tag = $1 AND photo_id = $2', space)
        USING entry.tag, entry.photo;
      old.tag_id := NULL;
    END IF;
    IF entry.is_listed IS NULL THEN
      NULL;
    ELSIF old.tag_id IS NULL THEN
      free_id := entry.moment;
      LOOP
        EXECUTE format('INSERT INTO %I.photos_tagged (tag, photo_id, tag_id, author_id, listed)'
          ' SELECT $1, $2, $3, $4, $5 WHERE NOT EXISTS (SELECT FROM %I.photos_tagged WHERE tag = $1 AND tag_id = $3)',
          space, space) USING entry.tag, entry.photo, free_id, entry.author, entry.is_listed;
        GET DIAGNOSTICS inserted = ROW_COUNT;
        EXIT WHEN inserted = 1;
        free_id := free_id + 1;
      END LOOP;
    ELSIF change <> 0 THEN
      EXECUTE format('UPDATE %I.photos_tagged SET listed = $3 WHERE tag = $1 AND photo_id = $2', space)
        USING entry.tag, entry.photo, entry.is_listed;
    END IF;
    IF change <> 0 THEN
      EXECUTE format('UPDATE %I.photos_tagtotal SET media_count = media_count + $2,'
        ' version = greatest(version + 1, floor(date_part(''epoch'', clock_timestamp()) * 1000)::bigint) WHERE tag = $1',
        space) USING entry.tag, change;
      INSERT INTO local.tag_changed (logical_shard, tag) VALUES (entry.shard, entry.tag);
    END IF;
  END LOOP;
END $$;

CREATE FUNCTION index_locations(shards int[], locations bigint[], photos bigint[], authors bigint[], listings boolean[])
RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
  part record;
BEGIN
  FOR part IN
    SELECT 's' || lpad(shard::text, 4, '0') AS space, array_agg(location) AS locations, array_agg(photo) AS photos,
           array_agg(author) AS authors, array_agg(is_listed) AS listings
    FROM unnest(shards, locations, photos, authors, listings) AS given (shard, location, photo, author, is_listed)
    GROUP BY shard ORDER BY shard
  LOOP
    EXECUTE format('DELETE FROM %I.photos_atlocation AS old USING unnest($1, $2, $3) AS given (location, photo, is_listed)'
      ' WHERE old.location_id = location AND old.photo_id = photo AND is_listed IS NULL', part.space)
      USING part.locations, part.photos, part.listings;
    EXECUTE format('INSERT INTO %I.photos_atlocation AS old (location_id, photo_id, author_id, listed)'
      ' SELECT * FROM unnest($1, $2, $3, $4) AS given (location, photo, author, is_listed) WHERE is_listed IS NOT NULL'
      ' ORDER BY location, photo ON CONFLICT (location_id, photo_id) DO UPDATE SET listed = excluded.listed'
      ' WHERE old.listed <> excluded.listed', part.space)
      USING part.locations, part.photos, part.authors, part.listings;
  END LOOP;
END $$;

CREATE FUNCTION index_cells(
  shards int[], cells int[], photos bigint[], authors bigint[], latitudes float8[], longitudes float8[], listings boolean[]
) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
  part record;
BEGIN
  FOR part IN
    SELECT 's' || lpad(shard::text, 4, '0') AS space, array_agg(cell) AS cells, array_agg(photo) AS photos,
           array_agg(author) AS authors, array_agg(latitude) AS latitudes, array_agg(longitude) AS longitudes,
           array_agg(is_listed) AS listings
    FROM unnest(shards, cells, photos, authors, latitudes, longitudes, listings)
      AS given (shard, cell, photo, author, latitude, longitude, is_listed)
    GROUP BY shard ORDER BY shard
  LOOP
    EXECUTE format('DELETE FROM %I.photos_incell AS old USING unnest($1, $2, $3) AS given (cell, photo, is_listed)'
      ' WHERE old.cell = given.cell AND old.photo_id = photo AND is_listed IS NULL', part.space)
      USING part.cells, part.photos, part.listings;
    EXECUTE format('INSERT INTO %I.photos_incell AS old (cell, photo_id, author_id, latitude, longitude, listed)'
      ' SELECT * FROM unnest($1, $2, $3, $4, $5, $6) AS given (cell, photo, author, latitude, longitude, is_listed)'
      ' WHERE is_listed IS NOT NULL ORDER BY cell, photo'
      ' ON CONFLICT (cell, photo_id) DO UPDATE SET listed = excluded.listed WHERE old.listed <> excluded.listed',
      part.space)
      USING part.cells, part.photos, part.authors, part.latitudes, part.longitudes, part.listings;
  END LOOP;
END $$;

-- Count the listed photos of the next `batch` tags after `past` anew, and have the directory read them; returns the last
-- tag counted, NULL when there was none.
CREATE FUNCTION recount_tags(shard int, past text, batch int) RETURNS text
LANGUAGE plpgsql AS $$
DECLARE
  space text := 's' || lpad(shard::text, 4, '0');
  each_tag text;
  number bigint;
  last_tag text;
BEGIN
  FOR each_tag IN EXECUTE format(
    'SELECT tag FROM (SELECT tag FROM %I.photos_tagged WHERE tag > $1 UNION SELECT tag FROM %I.photos_tagtotal'
    ' WHERE tag > $1) AS known ORDER BY tag LIMIT $2', space, space) USING past, batch
  LOOP
    EXECUTE format('INSERT INTO %I.photos_tagtotal AS total (tag, media_count, version) VALUES ($1, 0, 0)'
      ' ON CONFLICT (tag) DO UPDATE SET version = total.version', space) USING each_tag;
    -- A statement of its own, hence a snapshot that has what the lock waited for.
    EXECUTE format('SELECT count(*) FROM %I.photos_tagged WHERE tag = $1 AND listed', space) INTO number USING each_tag;
    EXECUTE format('UPDATE %I.photos_tagtotal SET media_count = $2,'
      ' version = greatest(version + 1, floor(date_part(''epoch'', clock_timestamp()) * 1000)::bigint)'
      ' WHERE tag = $1 AND (media_count <> $2 OR version = 0)', space) USING each_tag, number;
    INSERT INTO local.tag_changed (logical_shard, tag) VALUES (shard, each_tag);
    last_tag := each_tag;
  END LOOP;
  RETURN last_tag;
END $$;
