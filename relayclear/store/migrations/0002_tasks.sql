-- Work that must outlive the process that began it: each row is one task.
--
-- Coordination: rows follow the present and are rewritten.
-- May be forgotten 30 days after `ended_at`: tasks that are done (`tasks.forget_done`).  Their key may
--   then be used again, so what must never happen twice is guarded by the facts it writes, not here.
-- Kept until somebody retries them: tasks that are dead.
--
-- `run_at`, `planned_at`, `created_at` and `ended_at` are unix seconds by the wall clock, which only
-- schedules.  A claim's end is in seconds of the machine's boot clock, which nobody can set, and
-- counts only in the same boot: a restart of the machine ends every claim.

CREATE TABLE tasks (
  id INTEGER PRIMARY KEY,
  kind TEXT NOT NULL CHECK (kind <> ''),
  key TEXT NOT NULL UNIQUE CHECK (key <> ''),
  data TEXT NOT NULL,               -- JSON
  priority INTEGER NOT NULL CHECK (priority BETWEEN 0 AND 3),   -- 0 goes first
  status TEXT NOT NULL CHECK (status IN ('ready', 'done', 'dead')),
  run_at REAL NOT NULL,
  planned_at REAL NOT NULL,         -- when run_at was chosen: lies ahead only if the clock went back
  period REAL CHECK (period > 0),   -- seconds from tick to tick; NULL for what happens once
  hastened INTEGER NOT NULL DEFAULT 0 CHECK (hastened IN (0, 1)),   -- asked for again during a claim
  lease TEXT,                       -- names process and claim; whoever ends a claim must know it
  lease_until REAL,
  lease_boot TEXT,
  tries INTEGER NOT NULL DEFAULT 0 CHECK (tries >= 0),          -- that failed, since it last moved on
  crashes INTEGER NOT NULL DEFAULT 0 CHECK (crashes >= 0),      -- claims whose owner vanished, in a row
  why TEXT,                         -- why it waits, failed last or is dead
  created_at REAL NOT NULL,
  ended_at REAL,
  -- Who goes first: a step of priority is worth a minute of waiting, so nothing waits for ever.
  rank REAL NOT NULL GENERATED ALWAYS AS (run_at + priority * 60.0) STORED,
  CHECK ((lease IS NULL) = (lease_until IS NULL) AND (lease IS NULL) = (lease_boot IS NULL)),
  CHECK (status = 'ready' OR lease IS NULL),
  CHECK ((status = 'ready') = (ended_at IS NULL))
) STRICT;

CREATE INDEX tasks_by_rank ON tasks (rank) WHERE status = 'ready' AND lease IS NULL;
CREATE INDEX tasks_by_run_at ON tasks (run_at) WHERE status = 'ready' AND lease IS NULL;
CREATE INDEX tasks_by_planned_at ON tasks (planned_at) WHERE status = 'ready' AND lease IS NULL;
CREATE INDEX tasks_claimed ON tasks (lease_until) WHERE lease IS NOT NULL;
CREATE INDEX tasks_dead ON tasks (ended_at) WHERE status = 'dead';
CREATE INDEX tasks_done ON tasks (ended_at) WHERE status = 'done';
