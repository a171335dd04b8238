-- The order in which both ledgers are read: a page is found without sorting all of them.
CREATE INDEX hazard_by_time ON hazard_row (found_at DESC, id);
CREATE INDEX round_by_time ON round_row (opened_at DESC, id, org, site);
