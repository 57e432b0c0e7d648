-- For the tags that an owner added in comments: few, wherever they stand among thousands of comments.
CREATE INDEX photos_comment_own_tags ON photos_comment (photo_id, id)
  WHERE state = 0 AND author_id = owner_id AND text LIKE '%#%';
