-- Index tables: each sharded by what is looked up, not by the photos' owners; copies, rebuilt by manage.py rebuild_indexes.
-- listed: the author was public and there when a task last looked; what is shown is decided on the way out.

-- The shard of a tag: 28 bits of its MD5, which Python knows as well (photos/queries/indexes.py).
CREATE TABLE photos_tagged (
  tag text NOT NULL,
  photo_id bigint NOT NULL,
  -- Milliseconds since 1970 of the tagging; the next free one if another photo got the tag in the same millisecond.
  tag_id bigint NOT NULL,
  author_id bigint NOT NULL,
  listed boolean NOT NULL,
  PRIMARY KEY (tag, photo_id),
  CONSTRAINT photos_tagged_shard_key CHECK (('x' || left(md5(tag), 7))::bit(28)::int % {{shards}} = {{shard}})
);
CREATE UNIQUE INDEX photos_tagged_latest ON photos_tagged (tag, tag_id DESC);

-- Listed photos of each tag, changed with the rows above; main's directory of tags is a copy of newer versions only.
CREATE TABLE photos_tagtotal (
  tag text PRIMARY KEY,
  media_count bigint NOT NULL,
  version bigint NOT NULL,
  CONSTRAINT photos_tagtotal_shard_key CHECK (('x' || left(md5(tag), 7))::bit(28)::int % {{shards}} = {{shard}})
) WITH (fillfactor = 80); -- updated in place, over and over

CREATE TABLE photos_atlocation (
  location_id bigint NOT NULL,
  photo_id bigint NOT NULL,
  author_id bigint NOT NULL,
  listed boolean NOT NULL,
  PRIMARY KEY (location_id, photo_id),
  CONSTRAINT photos_atlocation_shard_key CHECK (location_id % {{shards}} = {{shard}})
);

-- Cells of a grid over the Earth: photos/cells.py.
CREATE TABLE photos_incell (
  cell integer NOT NULL,
  photo_id bigint NOT NULL,
  author_id bigint NOT NULL,
  latitude double precision NOT NULL,
  longitude double precision NOT NULL,
  listed boolean NOT NULL,
  PRIMARY KEY (cell, photo_id),
  CONSTRAINT photos_incell_shard_key CHECK (cell % {{shards}} = {{shard}})
);
