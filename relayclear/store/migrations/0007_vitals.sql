-- How the things that relayclear leans on were found when somebody last looked: nodes, Hermes, gas, scans.
--
-- Follows the present and is rewritten (coordination), and may be forgotten at any time, because the
--   next look tells it again: vitals.

-- `detail` is JSON, and of the last good look, at `good_at`; `error` says what went wrong since, if
-- anything.  Times are ours, by the wall clock.
CREATE TABLE vitals (
  kind TEXT NOT NULL CHECK (kind <> ''),
  name TEXT NOT NULL,
  tried_at TEXT NOT NULL,
  good_at TEXT,
  error TEXT,
  detail TEXT NOT NULL,
  PRIMARY KEY (kind, name)
) STRICT, WITHOUT ROWID;
