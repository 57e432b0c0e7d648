-- A deleted photo is taken out of what rang (marks.forget_photo): without this, a walk over everybody's last posts.
CREATE INDEX push_post_of_photo ON push_post (photo_id);
