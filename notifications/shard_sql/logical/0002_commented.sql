-- Where a person commented: a copy on the commenter's shard, for those who follow them. Comments stand on the shards of those
-- whose photos they are under; likes and follows have their copies already (photos_liked, accounts_following).
CREATE TABLE notifications_commented (
  user_id bigint NOT NULL,
  comment_id bigint NOT NULL,
  photo_id bigint NOT NULL,
  PRIMARY KEY (user_id, comment_id),
  CONSTRAINT notifications_commented_shard_key CHECK (user_id % {{shards}} = {{shard}})
);
