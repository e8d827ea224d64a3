-- A fifth word that the operator may say of a movement: an orphan is written off, which keeps it for good.
--
-- Facts, never changed and never deleted (triggers): assignments.  None of it may be forgotten.  SQLite can't widen a CHECK, so the table is
-- made anew with all its rows; nothing refers to it.

CREATE TABLE assignments_anew (
  chain TEXT NOT NULL,
  tx_hash TEXT NOT NULL,
  way TEXT NOT NULL CHECK (way IN ('in', 'out')),
  ordinal INTEGER NOT NULL,
  denom TEXT NOT NULL,
  word TEXT NOT NULL CHECK (word IN ('deposit', 'withdrawal', 'income', 'expense', 'written_off')),
  who TEXT NOT NULL CHECK (who <> ''),
  why TEXT NOT NULL CHECK (why <> ''),
  assigned_at TEXT NOT NULL,
  PRIMARY KEY (chain, tx_hash, way, ordinal, denom),
  CHECK ((way = 'in') = (word IN ('deposit', 'income', 'written_off')))
) STRICT, WITHOUT ROWID;

INSERT INTO assignments_anew (chain, tx_hash, way, ordinal, denom, word, who, why, assigned_at)
SELECT chain, tx_hash, way, ordinal, denom, word, who, why, assigned_at FROM assignments;

-- Its triggers go with it; what they guarded stands in the new table already.
DROP TABLE assignments;
ALTER TABLE assignments_anew RENAME TO assignments;

CREATE TRIGGER assignments_stay BEFORE UPDATE ON assignments
BEGIN SELECT RAISE(ABORT, 'an assignment is never changed'); END;
CREATE TRIGGER assignments_last BEFORE DELETE ON assignments
BEGIN SELECT RAISE(ABORT, 'an assignment is never deleted'); END;
