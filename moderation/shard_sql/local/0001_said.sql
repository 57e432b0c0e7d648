-- What the people of this server wrote lately, without the words: by which the rules against spam judge them. All logical
-- shards together, as deeds are: a preview of a rule walks over everybody.
CREATE TABLE said (
  author_id bigint NOT NULL,
  -- Of the photo for its caption, else of the comment: it says when.
  object_id bigint NOT NULL,
  photo_id bigint NOT NULL,
  logical_shard smallint NOT NULL,
  -- Of the text without case, marks, names and spaces: the same for what only looks different.
  text_hash bigint NOT NULL,
  characters smallint NOT NULL,
  links smallint NOT NULL,
  hashtags smallint NOT NULL,
  -- Hours the account was old.
  account_hours integer NOT NULL,
  PRIMARY KEY (author_id, object_id),
  CONSTRAINT said_shard_key CHECK (author_id % {{shards}} = logical_shard)
);
