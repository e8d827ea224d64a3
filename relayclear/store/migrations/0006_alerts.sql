-- Calling a person: what there was to tell, what still waits to be told and where, and every try.
--
-- Follow the present and are rewritten (coordination): alert_marks, alert_conditions, alert_outbox.
-- May be forgotten 90 days after `at`, once nothing of it waits in the outbox: alerts, alert_deliveries
--   (`alerts.forget`).  What an alert tells of stands in the history and the books for ever.
--
-- `next_at` is in unix seconds by the wall clock, which only schedules.

-- How far the history has been looked through for what is worth an alert.
CREATE TABLE alert_marks (
  name TEXT PRIMARY KEY CHECK (name <> ''),
  number INTEGER NOT NULL CHECK (number >= 0)
) STRICT, WITHOUT ROWID;
-- Nobody is called for what happened before there were alerts.
INSERT INTO alert_marks (name, number) SELECT 'history', coalesce(max(id), 0) FROM history;

-- The id follows from what the alert tells of: told again, it is the same.
CREATE TABLE alerts (
  number INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE CHECK (id <> ''),
  at TEXT NOT NULL,
  priority TEXT NOT NULL CHECK (priority IN ('high', 'normal', 'low')),
  kind TEXT NOT NULL CHECK (kind <> ''),
  order_id TEXT,
  operation_id TEXT,
  subject TEXT,
  detail TEXT NOT NULL              -- JSON
) STRICT;
CREATE INDEX alerts_by_time ON alerts (at, number);

-- Conditions that were told and aren't over; `gone_at` since when one seems to be.
CREATE TABLE alert_conditions (
  key TEXT PRIMARY KEY CHECK (key <> ''),
  kind TEXT NOT NULL,
  since TEXT NOT NULL,
  gone_at TEXT,
  subject TEXT,
  order_id TEXT
) STRICT, WITHOUT ROWID;

-- What waits for its first or next try on a channel; `rank` 0 goes first.
CREATE TABLE alert_outbox (
  channel TEXT NOT NULL CHECK (channel <> ''),
  rank INTEGER NOT NULL CHECK (rank BETWEEN 0 AND 2),
  next_at REAL NOT NULL,
  number INTEGER NOT NULL REFERENCES alerts (number),
  failures INTEGER NOT NULL DEFAULT 0 CHECK (failures >= 0),
  PRIMARY KEY (channel, number)
) STRICT, WITHOUT ROWID;
CREATE INDEX alert_outbox_by_time ON alert_outbox (channel, rank, next_at, number);
CREATE INDEX alert_outbox_by_alert ON alert_outbox (number);

-- Every try: `try` counts from 1, `answer` is what came back, or what went wrong.
CREATE TABLE alert_deliveries (
  id INTEGER PRIMARY KEY,
  number INTEGER NOT NULL REFERENCES alerts (number),
  channel TEXT NOT NULL,
  try INTEGER NOT NULL CHECK (try >= 1),
  outcome TEXT NOT NULL CHECK (outcome IN ('sent', 'failed', 'given_up')),
  answer TEXT NOT NULL,
  at TEXT NOT NULL
) STRICT;
CREATE INDEX alert_deliveries_by_alert ON alert_deliveries (number, id);

CREATE TRIGGER alerts_stay BEFORE UPDATE ON alerts
BEGIN SELECT RAISE(ABORT, 'an alert is never changed'); END;
CREATE TRIGGER alert_deliveries_stay BEFORE UPDATE ON alert_deliveries
BEGIN SELECT RAISE(ABORT, 'a delivery is never changed'); END;
