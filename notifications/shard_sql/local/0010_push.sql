-- What has rung whose phone: notes of this server's people that last for hours (notifications/push/marks.py). Beside the
-- outbox, so that they commit with it, one statement marks a batch of people and one clears old ones away.

-- An entry of somebody's News on its way to their phones. subject: what shares one place on the phone.
CREATE TABLE push_entry (
  user_id bigint NOT NULL,
  activity_id bigint NOT NULL,
  subject text NOT NULL,
  rung boolean NOT NULL DEFAULT false,
  noted_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  logical_shard smallint NOT NULL,
  PRIMARY KEY (user_id, activity_id)
);
CREATE INDEX push_entry_of_subject ON push_entry (user_id, subject, noted_at);
CREATE INDEX push_entry_old ON push_entry (noted_at);

-- One place on a phone: since when it rings in a row, when it rang last, who rings it now (until when at most), and whether
-- a summary is due.
CREATE TABLE push_subject (
  user_id bigint NOT NULL,
  subject text NOT NULL,
  burst_at timestamptz,
  rung_at timestamptz,
  claimed_until timestamptz,
  is_summary_due boolean NOT NULL DEFAULT false,
  touched_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  logical_shard smallint NOT NULL,
  PRIMARY KEY (user_id, subject)
);
CREATE INDEX push_subject_old ON push_subject (touched_at);

-- The last post of an author that rang a person. rung_at NULL: somebody is at it, until claimed_until at most.
CREATE TABLE push_post (
  user_id bigint NOT NULL,
  author_id bigint NOT NULL,
  photo_id bigint NOT NULL,
  claimed_until timestamptz NOT NULL,
  rung_at timestamptz,
  logical_shard smallint NOT NULL,
  PRIMARY KEY (user_id, author_id)
);
CREATE INDEX push_post_old ON push_post (claimed_until);
