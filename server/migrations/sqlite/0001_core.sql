-- The core's tables. Never edited after a release; later changes are new numbered files.
-- Instants are milliseconds since 1970; days are counted since 1970-01-01; ids and hashes are blobs.

CREATE TABLE stream (
  id            INTEGER PRIMARY KEY,
  epoch         BLOB    NOT NULL,
  head          INTEGER NOT NULL,
  chain         BLOB    NOT NULL,
  backed_up_pos INTEGER NOT NULL
) STRICT;

CREATE TABLE feed (
  stream  INTEGER NOT NULL,
  pos     INTEGER NOT NULL,
  kind    INTEGER NOT NULL,
  subject BLOB    NOT NULL,
  site    BLOB,
  org     BLOB,
  device  BLOB,
  content BLOB    NOT NULL,
  chain   BLOB    NOT NULL,
  PRIMARY KEY (stream, pos)
) STRICT, WITHOUT ROWID;

CREATE TABLE doc (
  id         BLOB PRIMARY KEY,
  descriptor BLOB    NOT NULL,
  site       BLOB    NOT NULL,
  org        BLOB    NOT NULL,
  snapshot   BLOB    NOT NULL,
  head_pos   INTEGER NOT NULL,
  frozen     INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX doc_of_site ON doc (site, org);

-- The system of record: everything derived can be rebuilt from this table and from `ruling`.
CREATE TABLE change (
  pos         INTEGER PRIMARY KEY,
  doc         BLOB    NOT NULL,
  hash        BLOB    NOT NULL UNIQUE,
  actor       BLOB    NOT NULL,
  seq         INTEGER NOT NULL,
  n           INTEGER NOT NULL,
  max_op      INTEGER NOT NULL,
  device      BLOB    NOT NULL,
  incarnation BLOB    NOT NULL,
  person      BLOB    NOT NULL,
  received_at INTEGER NOT NULL,
  upload      BLOB    NOT NULL,
  raw         BLOB    NOT NULL,
  UNIQUE (doc, actor, seq)
) STRICT;
CREATE INDEX change_of_doc ON change (doc, pos);
CREATE INDEX change_of_life ON change (doc, device, incarnation, n);

CREATE TABLE upload (
  digest      BLOB PRIMARY KEY,
  device      BLOB    NOT NULL,
  incarnation BLOB    NOT NULL,
  person      BLOB    NOT NULL,
  list        BLOB    NOT NULL,
  -- The digest of the commands is part of what was signed; a colleague's phone that brings a batch back has
  -- nothing else of them.
  commands_digest BLOB NOT NULL,
  commands    BLOB,
  signature   BLOB    NOT NULL,
  received_at INTEGER NOT NULL
) STRICT;

CREATE TABLE held (
  hash        BLOB    NOT NULL,
  device      BLOB    NOT NULL,
  doc         BLOB    NOT NULL,
  descriptor  BLOB    NOT NULL,
  actor       BLOB    NOT NULL,
  seq         INTEGER NOT NULL,
  n           INTEGER NOT NULL,
  incarnation BLOB    NOT NULL,
  person      BLOB    NOT NULL,
  received_at INTEGER NOT NULL,
  upload      BLOB    NOT NULL,
  code        TEXT    NOT NULL,
  burns       INTEGER NOT NULL,
  raw         BLOB    NOT NULL,
  decided     INTEGER,
  decided_by  BLOB,
  decided_at  INTEGER,
  PRIMARY KEY (hash, device)
) STRICT;
CREATE INDEX held_of_actor ON held (doc, actor, seq);
CREATE INDEX held_of_life ON held (doc, device, incarnation, n);
CREATE INDEX held_open ON held (received_at) WHERE decided IS NULL;

CREATE TABLE fact (
  id         BLOB PRIMARY KEY,
  doc        BLOB    NOT NULL,
  kind       TEXT    NOT NULL,
  org        BLOB    NOT NULL,
  site       BLOB    NOT NULL,
  subject    BLOB    NOT NULL,
  pos        INTEGER NOT NULL,
  author     BLOB    NOT NULL,
  written_at INTEGER NOT NULL,
  bytes      BLOB    NOT NULL
) STRICT;
CREATE INDEX fact_of_subject ON fact (subject, id);

CREATE TABLE ruling (
  seq     INTEGER PRIMARY KEY,
  command BLOB    NOT NULL UNIQUE,
  target  BLOB    NOT NULL,
  bytes   BLOB    NOT NULL
) STRICT;
CREATE INDEX ruling_of_target ON ruling (target, seq);

CREATE TABLE command (
  id      BLOB    NOT NULL,
  person  BLOB    NOT NULL,
  target  BLOB    NOT NULL,
  verdict BLOB    NOT NULL,
  PRIMARY KEY (id, person)
) STRICT, WITHOUT ROWID;

CREATE TABLE hazard_row (
  id          BLOB PRIMARY KEY,
  site        BLOB    NOT NULL,
  org         BLOB    NOT NULL,
  state       INTEGER NOT NULL,
  found_at    INTEGER NOT NULL,
  due_on      INTEGER,
  disposed_at INTEGER,
  pos         INTEGER NOT NULL,
  bytes       BLOB    NOT NULL
) STRICT;
CREATE INDEX hazard_of_site ON hazard_row (site, id);

CREATE TABLE round_row (
  id        BLOB    NOT NULL,
  org       BLOB    NOT NULL,
  site      BLOB    NOT NULL,
  opened_at INTEGER NOT NULL,
  complete  INTEGER NOT NULL,
  contested INTEGER NOT NULL,
  failed    INTEGER NOT NULL,
  buildings BLOB    NOT NULL,
  PRIMARY KEY (id, org, site)
) STRICT, WITHOUT ROWID;
CREATE INDEX round_of_site ON round_row (site, opened_at);

CREATE TABLE org (
  id     BLOB PRIMARY KEY,
  pos    INTEGER NOT NULL,
  bytes  BLOB    NOT NULL
) STRICT;

CREATE TABLE person (
  id     BLOB PRIMARY KEY,
  org    BLOB    NOT NULL,
  active INTEGER NOT NULL,
  pos    INTEGER NOT NULL,
  bytes  BLOB    NOT NULL
) STRICT;
CREATE INDEX person_of_org ON person (org);

CREATE TABLE site (
  id      BLOB PRIMARY KEY,
  street  INTEGER NOT NULL,
  version INTEGER NOT NULL,
  pos     INTEGER NOT NULL,
  bytes   BLOB    NOT NULL
) STRICT;
CREATE INDEX site_of_street ON site (street);

CREATE TABLE building (
  id    BLOB PRIMARY KEY,
  site  BLOB    NOT NULL,
  pos   INTEGER NOT NULL,
  bytes BLOB    NOT NULL
) STRICT;
CREATE INDEX building_of_site ON building (site, id);

CREATE TABLE device (
  id            BLOB PRIMARY KEY,
  public_key    BLOB    NOT NULL,
  revoked       INTEGER NOT NULL DEFAULT 0,
  scope_version INTEGER NOT NULL DEFAULT 1,
  last_pos      INTEGER NOT NULL DEFAULT 0,
  enrolled_at   INTEGER NOT NULL
) STRICT;

-- Who uses a device, and which organisations' books it therefore replicates: logs with positions,
-- so that "at the last contact" can be told. An open row has no `to_pos`.
CREATE TABLE device_person (
  device   BLOB    NOT NULL,
  person   BLOB    NOT NULL,
  from_pos INTEGER NOT NULL,
  to_pos   INTEGER
) STRICT;
CREATE INDEX device_person_of_device ON device_person (device, person);
CREATE INDEX device_person_of_person ON device_person (person);

CREATE TABLE device_org (
  device   BLOB    NOT NULL,
  org      BLOB    NOT NULL,
  from_pos INTEGER NOT NULL,
  to_pos   INTEGER
) STRICT;
CREATE INDEX device_org_of_device ON device_org (device, org);

-- Which organisation sees which site; organisations that see the whole district have no rows.
CREATE TABLE visibility (
  org      BLOB    NOT NULL,
  site     BLOB    NOT NULL,
  from_pos INTEGER NOT NULL,
  to_pos   INTEGER
) STRICT;
CREATE INDEX visibility_of_org ON visibility (org, site);
CREATE INDEX visibility_of_site ON visibility (site);

CREATE TABLE audit (
  seq   INTEGER PRIMARY KEY,
  bytes BLOB NOT NULL,
  chain BLOB NOT NULL
) STRICT;

CREATE TABLE quota (
  device BLOB    NOT NULL,
  day    INTEGER NOT NULL,
  used   INTEGER NOT NULL,
  PRIMARY KEY (device, day)
) STRICT, WITHOUT ROWID;

-- What was written is written: neither the log nor the audit can be altered by this program.
CREATE TRIGGER change_stays BEFORE UPDATE ON change BEGIN SELECT RAISE(ABORT, 'the change log is append only'); END;
CREATE TRIGGER change_remains BEFORE DELETE ON change BEGIN SELECT RAISE(ABORT, 'the change log is append only'); END;
CREATE TRIGGER audit_stays BEFORE UPDATE ON audit BEGIN SELECT RAISE(ABORT, 'the audit is append only'); END;
CREATE TRIGGER audit_remains BEFORE DELETE ON audit BEGIN SELECT RAISE(ABORT, 'the audit is append only'); END;
CREATE TRIGGER upload_stays BEFORE UPDATE ON upload BEGIN SELECT RAISE(ABORT, 'signed lists are append only'); END;
CREATE TRIGGER upload_remains BEFORE DELETE ON upload BEGIN SELECT RAISE(ABORT, 'signed lists are append only'); END;
CREATE TRIGGER ruling_stays BEFORE UPDATE ON ruling BEGIN SELECT RAISE(ABORT, 'rulings are append only'); END;
CREATE TRIGGER ruling_remains BEFORE DELETE ON ruling BEGIN SELECT RAISE(ABORT, 'rulings are append only'); END;
