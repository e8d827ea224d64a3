-- What the daemon makes of each scan: every pending packet judged, as intervals, so that the dashboard and a look
-- into the past need no node.
--
-- May be forgotten 90 days after `ended_at` (time travel then ends there): past_judgements, past_outages;
--   picture_moments 90 days after `at`.
-- Follow the present and are rewritten (coordination), and may be forgotten at any time, because the next scan
--   tells them again: judgements, outages, picture_changes.
--
-- Times are ours, by the wall clock, and those of scans: what one scan found stands under one time.

-- What the newest good scan made of the packets of an end: neighbours of one judgement share a row.
-- `known`: their details are read and fit the commitment.  `attention`: they need somebody.
CREATE TABLE judgements (
  end_id INTEGER NOT NULL REFERENCES ends (id),
  first_sequence INTEGER NOT NULL CHECK (first_sequence >= 1),
  last_sequence INTEGER NOT NULL CHECK (last_sequence >= first_sequence),
  packet_class TEXT NOT NULL,
  reason TEXT,
  detail TEXT,
  known INTEGER NOT NULL CHECK (known IN (0, 1)),
  attention INTEGER NOT NULL CHECK (attention IN (0, 1)),
  first_seen TEXT NOT NULL,
  since TEXT NOT NULL,
  PRIMARY KEY (end_id, first_sequence),
  CHECK ((reason IS NULL) = (detail IS NULL))
) STRICT, WITHOUT ROWID;

-- Judgements that held from `since` to before `ended_at`.
CREATE TABLE past_judgements (
  id INTEGER PRIMARY KEY,
  end_id INTEGER NOT NULL REFERENCES ends (id),
  first_sequence INTEGER NOT NULL CHECK (first_sequence >= 1),
  last_sequence INTEGER NOT NULL CHECK (last_sequence >= first_sequence),
  packet_class TEXT NOT NULL,
  reason TEXT,
  detail TEXT,
  known INTEGER NOT NULL CHECK (known IN (0, 1)),
  attention INTEGER NOT NULL CHECK (attention IN (0, 1)),
  first_seen TEXT NOT NULL,
  since TEXT NOT NULL,
  ended_at TEXT NOT NULL
) STRICT;
CREATE INDEX past_judgements_by_end ON past_judgements (end_id, ended_at);

-- Ends that the scans since `since` could not read, and the newest one's words; `read_at` is the good one before.
CREATE TABLE outages (
  end_id INTEGER PRIMARY KEY REFERENCES ends (id),
  since TEXT NOT NULL,
  read_at TEXT,
  error TEXT NOT NULL
) STRICT;

CREATE TABLE past_outages (
  id INTEGER PRIMARY KEY,
  end_id INTEGER NOT NULL REFERENCES ends (id),
  since TEXT NOT NULL,
  read_at TEXT,
  error TEXT NOT NULL,
  ended_at TEXT NOT NULL
) STRICT;
CREATE INDEX past_outages_by_end ON past_outages (end_id, ended_at);

-- How often the judgements of an end have changed: whoever read them at this number has nothing to read.
CREATE TABLE picture_changes (
  end_id INTEGER PRIMARY KEY REFERENCES ends (id),
  changes INTEGER NOT NULL
) STRICT;

-- The scans that found something else than the one before.
CREATE TABLE picture_moments (
  at TEXT PRIMARY KEY
) STRICT, WITHOUT ROWID;

-- What clearing burned lately is read by time.
CREATE INDEX relay_costs_by_time ON relay_costs (chain, included_at);

CREATE TRIGGER past_judgements_stay BEFORE UPDATE ON past_judgements
BEGIN SELECT RAISE(ABORT, 'a past judgement is never changed'); END;

CREATE TRIGGER past_outages_stay BEFORE UPDATE ON past_outages
BEGIN SELECT RAISE(ABORT, 'a past outage is never changed'); END;
