-- Imports: what a list would do, and whether it was done. One batch is done and taken back as a whole.
CREATE TABLE import_batch (
  id       BLOB PRIMARY KEY,
  person   BLOB    NOT NULL,
  org      BLOB    NOT NULL,
  made_at  INTEGER NOT NULL,
  -- 1 seen, 2 being done, 3 done, 4 being taken back, 5 taken back.
  state    INTEGER NOT NULL,
  plan     BLOB    NOT NULL,
  -- The header and the lines that are not taken, as they came.
  refused  BLOB    NOT NULL
) STRICT;
CREATE INDEX import_batch_of_time ON import_batch (made_at);
