-- The phone's store. Times are milliseconds since 1970; ids and hashes are blobs;
-- "body" columns are canonical CBOR of the contract's type. Never edited after release.

CREATE TABLE meta (
    key   TEXT PRIMARY KEY,
    value BLOB NOT NULL
) STRICT, WITHOUT ROWID;

-- Documents this phone replicates or writes; snapshot holds only what the office has.
CREATE TABLE doc (
    id         BLOB PRIMARY KEY,
    descriptor BLOB NOT NULL,
    site       BLOB NOT NULL,
    org        BLOB NOT NULL,
    round      BLOB,
    snapshot   BLOB,
    frozen     INTEGER NOT NULL DEFAULT 0,
    stale      INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX doc_site ON doc (site);
CREATE INDEX doc_org ON doc (org, id);

-- Changes after the snapshot, own and received, in an order in which they can be applied.
CREATE TABLE tail (
    id   INTEGER PRIMARY KEY AUTOINCREMENT,
    doc  BLOB NOT NULL,
    hash BLOB NOT NULL UNIQUE,
    raw  BLOB NOT NULL
) STRICT;
CREATE INDEX tail_doc ON tail (doc, id);

-- Where each of this phone's actors stands. Kept when a document goes: n may only rise.
CREATE TABLE actor (
    doc         BLOB NOT NULL,
    n           INTEGER NOT NULL,
    device      BLOB NOT NULL,
    incarnation BLOB NOT NULL,
    burnt       INTEGER NOT NULL DEFAULT 0,
    seq         INTEGER NOT NULL,
    hash        BLOB NOT NULL,
    max_op      INTEGER NOT NULL,
    PRIMARY KEY (doc, n)
) STRICT, WITHOUT ROWID;

-- Every local edit, for ever; raw goes once it is in a verified backup.
CREATE TABLE outbox (
    local_seq   INTEGER PRIMARY KEY AUTOINCREMENT,
    person      BLOB NOT NULL,
    doc         BLOB NOT NULL,
    descriptor  BLOB NOT NULL,
    site        BLOB NOT NULL,
    record      BLOB,
    device      BLOB NOT NULL,
    incarnation BLOB NOT NULL,
    n           INTEGER NOT NULL,
    hash        BLOB NOT NULL UNIQUE,
    raw         BLOB,
    state       TEXT NOT NULL DEFAULT 'pending'
                CHECK (state IN ('pending', 'held', 'returned', 'acknowledged')),
    code        TEXT,
    pos         INTEGER,
    unverified  INTEGER NOT NULL DEFAULT 0,
    sent        INTEGER NOT NULL DEFAULT 0,
    actor_refusals INTEGER NOT NULL DEFAULT 0,
    written_at  INTEGER NOT NULL,
    settled_at  INTEGER,
    reissued    BLOB,
    -- Where a log first had it; stays when a restored log lacks it and the edit is pending again.
    first_pos   INTEGER
) STRICT;
CREATE INDEX outbox_state ON outbox (state, local_seq);
CREATE INDEX outbox_record ON outbox (record) WHERE record IS NOT NULL;
CREATE INDEX outbox_doc ON outbox (doc, n);

CREATE TABLE command (
    local_seq  INTEGER PRIMARY KEY AUTOINCREMENT,
    id         BLOB NOT NULL UNIQUE,
    person     BLOB NOT NULL,
    target     BLOB NOT NULL,
    body       BLOB NOT NULL,
    state      TEXT NOT NULL DEFAULT 'pending' CHECK (state IN ('pending', 'returned', 'acknowledged')),
    code       TEXT,
    version    INTEGER,
    asked_at   INTEGER NOT NULL,
    settled_at INTEGER
) STRICT;
CREATE INDEX command_target ON command (target);

-- Rounds this phone opened, joined or sees open.
CREATE TABLE round (
    id          BLOB PRIMARY KEY,
    site        BLOB NOT NULL,
    org         BLOB NOT NULL,
    opened_at   INTEGER NOT NULL,
    opened_by   BLOB,
    header_owed INTEGER NOT NULL,
    buildings   BLOB NOT NULL,
    submitted   BLOB
) STRICT, WITHOUT ROWID;
CREATE INDEX round_site ON round (site);

-- One value put on a sheet. settled: the outbox row that carries it; 0 when it stood there already.
CREATE TABLE tap (
    id        INTEGER PRIMARY KEY AUTOINCREMENT,
    round     BLOB NOT NULL,
    person    BLOB NOT NULL,
    key       TEXT NOT NULL,
    value     ANY NOT NULL,
    tapped_at INTEGER NOT NULL,
    settled   INTEGER
) STRICT;
CREATE INDEX tap_round ON tap (round, id);
CREATE INDEX tap_settled ON tap (settled);

-- Records of own books, own and colleagues', parsed. subject: the hazard or round it is about.
CREATE TABLE record (
    doc        BLOB NOT NULL,
    id         BLOB NOT NULL,
    kind       TEXT NOT NULL,
    org        BLOB NOT NULL,
    site       BLOB NOT NULL,
    subject    BLOB,
    target     BLOB,
    replaces   BLOB,
    received   INTEGER NOT NULL,
    body       BLOB NOT NULL,
    PRIMARY KEY (doc, id)
) STRICT;
CREATE INDEX record_id ON record (id);
CREATE INDEX record_site ON record (site, kind);
CREATE INDEX record_subject ON record (subject);
CREATE INDEX record_waiting ON record (target) WHERE subject IS NULL;
CREATE INDEX record_waiting_correction ON record (replaces) WHERE subject IS NULL;

-- Server rows. stale: not yet confirmed by the bootstrap under way; what is stale at its end goes.
CREATE TABLE org (
    id    BLOB PRIMARY KEY,
    body  BLOB NOT NULL,
    stale INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;
CREATE TABLE person (
    id    BLOB PRIMARY KEY,
    body  BLOB NOT NULL,
    stale INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;
CREATE TABLE site (
    id    BLOB PRIMARY KEY,
    gone  INTEGER NOT NULL DEFAULT 0,
    body  BLOB NOT NULL,
    stale INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE TABLE building (
    id     BLOB PRIMARY KEY,
    site   BLOB NOT NULL,
    code   TEXT NOT NULL,
    search TEXT NOT NULL DEFAULT '',
    body   BLOB NOT NULL,
    stale  INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX building_site ON building (site, code);
CREATE TABLE hazard (
    id      BLOB PRIMARY KEY,
    site    BLOB NOT NULL,
    version INTEGER NOT NULL,
    body    BLOB NOT NULL,
    stale   INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX hazard_site ON hazard (site);

-- What was signed, kept until it is in a verified backup.
CREATE TABLE signed_batch (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    person      BLOB NOT NULL,
    incarnation BLOB NOT NULL,
    list        BLOB NOT NULL,
    commands    BLOB NOT NULL,
    digest      BLOB NOT NULL UNIQUE,
    signature   BLOB NOT NULL,
    pos_max     INTEGER NOT NULL
) STRICT;

-- What colleagues signed and their changes, until a verified backup has them: after a restore this phone can
-- bring them back. batch: nothing for a change whose list never came; its bytes are kept all the same.
CREATE TABLE colleague_batch (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    device      BLOB NOT NULL,
    incarnation BLOB NOT NULL,
    person      BLOB NOT NULL,
    proof       BLOB NOT NULL,
    signature   BLOB NOT NULL UNIQUE
) STRICT;
CREATE TABLE colleague_change (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    hash       BLOB NOT NULL UNIQUE,
    doc        BLOB NOT NULL,
    descriptor BLOB NOT NULL,
    n          INTEGER NOT NULL,
    raw        BLOB NOT NULL,
    batch      INTEGER,
    pos        INTEGER NOT NULL,
    state      TEXT NOT NULL DEFAULT 'kept' CHECK (state IN ('kept', 'doubted', 'missing')),
    tries      INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX colleague_change_doc ON colleague_change (doc);
CREATE INDEX colleague_change_open ON colleague_change (state, pos) WHERE state <> 'kept';
CREATE INDEX colleague_change_of_batch ON colleague_change (batch);

-- What came down and this build cannot read: kept for a later one.
CREATE TABLE unread (
    id  INTEGER PRIMARY KEY AUTOINCREMENT,
    raw BLOB NOT NULL UNIQUE
) STRICT;
