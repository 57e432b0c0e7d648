CREATE TABLE photos_photo (
  id bigint PRIMARY KEY DEFAULT local.next_id({{shard}}, '{{schema}}.clock'),
  author_id bigint NOT NULL,
  image_stem text NOT NULL,
  caption text NOT NULL DEFAULT '',
  caption_id bigint,
  filter text NOT NULL DEFAULT 'Normal',
  latitude double precision,
  longitude double precision,
  location_id bigint,
  location_name text NOT NULL DEFAULT '',
  taken_at bigint,
  state smallint NOT NULL DEFAULT 0,
  CONSTRAINT photos_photo_shard_key CHECK (author_id % {{shards}} = {{shard}})
);
CREATE INDEX photos_photo_by_author ON photos_photo (author_id, id DESC) WHERE state = 0;

CREATE TABLE photos_upload (
  author_id bigint NOT NULL,
  upload_id text NOT NULL,
  photo_id bigint NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (author_id, upload_id),
  CONSTRAINT photos_upload_shard_key CHECK (author_id % {{shards}} = {{shard}})
);

CREATE TABLE photos_like (
  photo_id bigint NOT NULL,
  user_id bigint NOT NULL,
  id bigint NOT NULL DEFAULT local.next_id({{shard}}, '{{schema}}.clock'),
  owner_id bigint NOT NULL,
  PRIMARY KEY (photo_id, user_id),
  CONSTRAINT photos_like_shard_key CHECK (owner_id % {{shards}} = {{shard}})
);
CREATE INDEX photos_like_latest ON photos_like (photo_id, id DESC);

CREATE TABLE photos_liked (
  user_id bigint NOT NULL,
  photo_id bigint NOT NULL,
  like_id bigint NOT NULL,
  active boolean NOT NULL,
  PRIMARY KEY (user_id, photo_id),
  CONSTRAINT photos_liked_shard_key CHECK (user_id % {{shards}} = {{shard}})
);
CREATE INDEX photos_liked_latest ON photos_liked (user_id, like_id DESC) WHERE active;

CREATE TABLE photos_comment (
  id bigint PRIMARY KEY DEFAULT local.next_id({{shard}}, '{{schema}}.clock'),
  photo_id bigint NOT NULL,
  owner_id bigint NOT NULL,
  author_id bigint NOT NULL,
  text text NOT NULL,
  state smallint NOT NULL DEFAULT 0,
  CONSTRAINT photos_comment_shard_key CHECK (owner_id % {{shards}} = {{shard}})
);
CREATE INDEX photos_comment_by_photo ON photos_comment (photo_id, id) WHERE state = 0;

-- Drawn from the shard's clock, like ids: after a restore the clock is set past it, too (manage.py shards push-clocks).
COMMENT ON COLUMN photos_photo.caption_id IS 'clock of the author''s shard';
