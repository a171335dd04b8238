-- Photos: uploads under way, what is here, what is known about it, which record cites it. The bytes lie in the
-- photos' folder under their hash, never here.

-- An upload: under way, stored at a position, or ended. The row stays for two days: a reply that was lost is
-- asked for again, and the day's quota is counted from it.
CREATE TABLE photo_upload (
  id       BLOB PRIMARY KEY,
  device   BLOB    NOT NULL,
  hash     BLOB    NOT NULL,
  kind     INTEGER NOT NULL,
  bytes    INTEGER NOT NULL,
  card     BLOB    NOT NULL,
  begun_at INTEGER NOT NULL,
  pos      INTEGER,
  ended    INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX photo_upload_of_device ON photo_upload (device, begun_at);
CREATE INDEX photo_upload_of_time ON photo_upload (begun_at);

CREATE TABLE photo (
  hash        BLOB PRIMARY KEY,
  kind        INTEGER NOT NULL,
  bytes       INTEGER NOT NULL,
  width       INTEGER NOT NULL,
  height      INTEGER NOT NULL,
  likeness    INTEGER NOT NULL,
  -- The photo that an original or a thumbnail belongs to.
  belongs_to  BLOB,
  pos         INTEGER NOT NULL,
  received_at INTEGER NOT NULL,
  -- When the nightly look found the file missing or altered.
  broken_at   INTEGER
) STRICT;

CREATE INDEX photo_of_photo ON photo (belongs_to) WHERE belongs_to IS NOT NULL;

-- Who sent it, and what he knew about it: where a person was, and when. Goes when the person is erased.
CREATE TABLE photo_source (
  hash        BLOB    NOT NULL,
  device      BLOB    NOT NULL,
  card        BLOB,
  received_at INTEGER NOT NULL,
  PRIMARY KEY (hash, device)
) STRICT, WITHOUT ROWID;

-- Which record cites it; made again with the ledger.
CREATE TABLE photo_cite (
  hash   BLOB NOT NULL,
  record BLOB NOT NULL,
  PRIMARY KEY (hash, record)
) STRICT, WITHOUT ROWID;
CREATE INDEX photo_cite_of_record ON photo_cite (record);

-- Eight bytes of the likeness: two photos that differ in fewer than eight bits share one of them.
CREATE TABLE photo_band (
  band INTEGER NOT NULL,
  hash BLOB    NOT NULL,
  PRIMARY KEY (band, hash)
) STRICT, WITHOUT ROWID;
