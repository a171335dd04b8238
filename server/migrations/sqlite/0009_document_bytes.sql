-- How large a document is, by the bytes of its changes: the gate asks before every change (C17).
ALTER TABLE doc ADD COLUMN bytes INTEGER NOT NULL DEFAULT 0;
UPDATE doc SET bytes = (SELECT COALESCE(SUM(length(raw)), 0) FROM change WHERE change.doc = doc.id);
