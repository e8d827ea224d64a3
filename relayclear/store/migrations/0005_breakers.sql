-- Breakers: which dependency (an endpoint, a path of Hermes, a wallet) nobody calls for a while, why and until when.
--
-- Coordination: rows follow the present and are rewritten; counts of calls stand in the memory of each process.
-- May be forgotten a day after `closed_at`, and a day after `until`, when nobody has asked since
--   (`breakers.forget_closed`): what was opened and closed stands in `history` for ever.
--
-- Times are wall clock: they only schedule.  One that lies ahead of `opened_at` by mistake ends with `reset`.
CREATE TABLE breakers (
  name TEXT PRIMARY KEY CHECK (name <> ''),
  reason TEXT NOT NULL,
  opened_at TEXT,                   -- NULL: closed
  until TEXT,                       -- NULL: closed, or open until a person resets it
  closed_at TEXT,                   -- when it last closed; NULL: never
  probe_until TEXT,                 -- somebody probes; until then nobody else does
  who TEXT NOT NULL,                -- who opened it: a person, or 'rules'
  CHECK (opened_at IS NOT NULL OR (until IS NULL AND probe_until IS NULL AND closed_at IS NOT NULL)),
  CHECK (opened_at IS NULL OR (reason <> '' AND who <> ''))
) STRICT, WITHOUT ROWID;
