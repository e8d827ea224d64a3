-- What people asked for at a face (clear, refund, cancel, …), when it was begun, and how it ended.
--
-- Facts, never changed and never deleted (triggers): wishes, wish_begins, wish_ends.
-- Coordination, rewritten; may be forgotten at any time, and is in the commit that ends its attempt: relay_steps.
--
-- `asked_at`, `begun_at` and `ended_at` are ours, by the wall clock.

CREATE TABLE wishes (
  id TEXT PRIMARY KEY CHECK (id <> ''),
  verb TEXT NOT NULL CHECK (verb <> ''),
  asked_at TEXT NOT NULL,
  who TEXT NOT NULL CHECK (who <> ''),
  wish TEXT NOT NULL                -- JSON: what is asked for, in full
) STRICT, WITHOUT ROWID;
CREATE INDEX wishes_by_time ON wishes (asked_at, id);

-- In the commit of its first lasting effect: without a row nothing was done for it.
CREATE TABLE wish_begins (
  wish_id TEXT PRIMARY KEY REFERENCES wishes (id),
  begun_at TEXT NOT NULL,
  carrier TEXT NOT NULL CHECK (carrier <> ''),
  operation_id TEXT REFERENCES operations (id)
) STRICT, WITHOUT ROWID;
CREATE INDEX wish_begins_by_operation ON wish_begins (operation_id) WHERE operation_id IS NOT NULL;

CREATE TABLE wish_ends (
  wish_id TEXT PRIMARY KEY REFERENCES wishes (id),
  ended_at TEXT NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('done', 'refused', 'failed', 'unknown')),
  carrier TEXT NOT NULL CHECK (carrier <> ''),
  code TEXT NOT NULL CHECK (code <> ''),
  message TEXT NOT NULL,
  hint TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- The newest step that Hermes claims of each packet of a run under way: for whoever watches it, never for a judgement.
CREATE TABLE relay_steps (
  operation_id TEXT NOT NULL REFERENCES operations (id),
  sequence INTEGER NOT NULL CHECK (sequence >= 1),
  step TEXT NOT NULL,
  PRIMARY KEY (operation_id, sequence)
) STRICT, WITHOUT ROWID;

CREATE TRIGGER wishes_stay BEFORE UPDATE ON wishes
BEGIN SELECT RAISE(ABORT, 'a request is never changed'); END;
CREATE TRIGGER wishes_last BEFORE DELETE ON wishes
BEGIN SELECT RAISE(ABORT, 'a request is never deleted'); END;

CREATE TRIGGER wish_begins_stay BEFORE UPDATE ON wish_begins
BEGIN SELECT RAISE(ABORT, 'the beginning of a request is never changed'); END;
CREATE TRIGGER wish_begins_last BEFORE DELETE ON wish_begins
BEGIN SELECT RAISE(ABORT, 'the beginning of a request is never deleted'); END;

CREATE TRIGGER wish_ends_stay BEFORE UPDATE ON wish_ends
BEGIN SELECT RAISE(ABORT, 'the end of a request is never changed'); END;
CREATE TRIGGER wish_ends_last BEFORE DELETE ON wish_ends
BEGIN SELECT RAISE(ABORT, 'the end of a request is never deleted'); END;
