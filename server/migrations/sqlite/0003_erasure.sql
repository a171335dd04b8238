-- An erased person: the row stays as a tombstone by id, without a name, and never comes back to life.

ALTER TABLE person ADD COLUMN erased_at INTEGER;

CREATE TRIGGER erased_stays BEFORE UPDATE ON person WHEN OLD.erased_at IS NOT NULL
BEGIN SELECT RAISE(ABORT, 'an erased person stays erased'); END;
CREATE TRIGGER erased_remains BEFORE DELETE ON person WHEN OLD.erased_at IS NOT NULL
BEGIN SELECT RAISE(ABORT, 'an erased person stays erased'); END;
