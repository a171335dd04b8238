-- The file a photo was developed from, by its hash, as its sender's phone said: the same file used twice is found
-- however it was developed (P07). A hash of a file says nothing of a person; it stays when the card goes.
ALTER TABLE photo_source ADD COLUMN original BLOB;
CREATE INDEX photo_source_of_original ON photo_source (original) WHERE original IS NOT NULL;
