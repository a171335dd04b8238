-- Accounts, sessions and enrolment codes. Secrets stand here as hashes only.

CREATE TABLE account (
    person      BLOB PRIMARY KEY CHECK (length(person) = 16),
    login       TEXT NOT NULL UNIQUE,
    password    TEXT NOT NULL,
    active      INTEGER NOT NULL CHECK (active IN (0, 1)),
    changed_at  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE session_family (
    id          BLOB PRIMARY KEY CHECK (length(id) = 16),
    person      BLOB,
    device      BLOB,
    public_key  BLOB,
    started_at  INTEGER NOT NULL,
    ends_at     INTEGER,
    ended_at    INTEGER,
    ending      TEXT,
    CHECK ((person IS NULL) <> (device IS NULL)),
    CHECK ((ended_at IS NULL) = (ending IS NULL))
) STRICT, WITHOUT ROWID;

CREATE INDEX session_family_person ON session_family (person) WHERE person IS NOT NULL;
CREATE INDEX session_family_device ON session_family (device) WHERE device IS NOT NULL;

CREATE TABLE session_token (
    hash          BLOB PRIMARY KEY CHECK (length(hash) = 32),
    family        BLOB NOT NULL REFERENCES session_family (id),
    kind          INTEGER NOT NULL,
    salt          BLOB,
    expires_at    INTEGER NOT NULL,
    exchanged_at  INTEGER
) STRICT, WITHOUT ROWID;

CREATE INDEX session_token_expiry ON session_token (expires_at);

CREATE TABLE enrolment_code (
    hash        BLOB PRIMARY KEY CHECK (length(hash) = 32),
    made_at     INTEGER NOT NULL,
    expires_at  INTEGER NOT NULL,
    used_at     INTEGER,
    device      BLOB,
    public_key  BLOB,
    family      BLOB,
    CHECK ((used_at IS NULL) = (device IS NULL)),
    CHECK ((used_at IS NULL) = (public_key IS NULL)),
    CHECK ((used_at IS NULL) = (family IS NULL))
) STRICT, WITHOUT ROWID;

CREATE INDEX enrolment_code_key ON enrolment_code (public_key, used_at) WHERE public_key IS NOT NULL;

CREATE TABLE enrolment_person (
    code    BLOB NOT NULL REFERENCES enrolment_code (hash),
    person  BLOB NOT NULL CHECK (length(person) = 16),
    PRIMARY KEY (code, person)
) STRICT, WITHOUT ROWID;
