-- What relayclear remembers of chains, packets and its own clears.
--
-- May be forgotten at any time, because the chains tell it again:
--   topologies, channels, connections, clients, denoms, remembered, packets of no operation.
-- May be forgotten 90 days after `gone_at` (lists of the past then end there): past_sightings.
-- Follow the present and are rewritten (coordination): ends, readings, sightings, open_operations.
-- Kept for ever, never changed, because they are what was done and what was proved:
--   operations, cancellations, attempts, packets_before, relay_runs, attempt_ends, packets_after,
--   relay_txs.  A mute is kept for ever too; only its end may be added, once.
--
-- Times are RFC 3339 in UTC with microseconds and end in Z, so that text order is time order.
-- JSON texts hold what is shown and never searched.

-- A channel end that packets were looked for on; the others point to its number.
CREATE TABLE ends (
  id INTEGER PRIMARY KEY,
  chain TEXT NOT NULL,
  port TEXT NOT NULL,
  channel TEXT NOT NULL,
  UNIQUE (chain, port, channel)
) STRICT;

-- The last good reading of an end, and what went wrong since, if anything.
CREATE TABLE readings (
  end_id INTEGER PRIMARY KEY REFERENCES ends (id),
  read_at TEXT,
  height INTEGER,
  failed_at TEXT,
  error TEXT
) STRICT;

-- Packets pending at the last good reading: neighbours first seen together share a row.
CREATE TABLE sightings (
  end_id INTEGER NOT NULL REFERENCES ends (id),
  first_sequence INTEGER NOT NULL CHECK (first_sequence >= 1),
  last_sequence INTEGER NOT NULL CHECK (last_sequence >= first_sequence),
  first_seen TEXT NOT NULL,
  first_height INTEGER NOT NULL,
  PRIMARY KEY (end_id, first_sequence)
) STRICT, WITHOUT ROWID;

-- Intervals that ended: pending from `first_seen` to `last_seen`, found gone at `gone_at`.
CREATE TABLE past_sightings (
  id INTEGER PRIMARY KEY,
  end_id INTEGER NOT NULL REFERENCES ends (id),
  first_sequence INTEGER NOT NULL CHECK (first_sequence >= 1),
  last_sequence INTEGER NOT NULL CHECK (last_sequence >= first_sequence),
  first_seen TEXT NOT NULL,
  first_height INTEGER NOT NULL,
  last_seen TEXT NOT NULL,
  gone_at TEXT NOT NULL
) STRICT;
CREATE INDEX past_sightings_by_end ON past_sightings (end_id, gone_at);

-- Details of packets whose hash equalled the commitment.  The commitment is part of the key: a
-- chain started anew uses the same sequences for other packets.
CREATE TABLE packets (
  end_id INTEGER NOT NULL REFERENCES ends (id),
  sequence INTEGER NOT NULL CHECK (sequence >= 1),
  commitment BLOB NOT NULL CHECK (length(commitment) = 32),
  destination_chain TEXT NOT NULL,
  destination_port TEXT NOT NULL,
  destination_channel TEXT NOT NULL,
  data BLOB NOT NULL,
  timeout_revision TEXT NOT NULL,   -- these three go up to 2**64-1: text
  timeout_height TEXT NOT NULL,
  timeout_timestamp TEXT NOT NULL,
  send_tx TEXT,
  sent_height INTEGER,
  sent_at TEXT,
  PRIMARY KEY (end_id, sequence, commitment)
) STRICT, WITHOUT ROWID;

-- How far a chain's channels have been read: `next_key` is where a broken walk goes on.
CREATE TABLE topologies (
  chain TEXT PRIMARY KEY,
  next_key BLOB,
  read_at TEXT,
  channel_count INTEGER
) STRICT;

CREATE TABLE channels (
  chain TEXT NOT NULL,
  port TEXT NOT NULL,
  channel TEXT NOT NULL,
  state TEXT NOT NULL,
  ordering TEXT NOT NULL,
  counterparty_port TEXT NOT NULL,
  counterparty_channel TEXT NOT NULL,
  connection TEXT NOT NULL,
  version TEXT NOT NULL,
  PRIMARY KEY (chain, port, channel)
) STRICT, WITHOUT ROWID;
CREATE INDEX channels_by_connection ON channels (chain, connection);

CREATE TABLE connections (
  chain TEXT NOT NULL,
  connection TEXT NOT NULL,
  state TEXT NOT NULL,
  client TEXT NOT NULL,
  counterparty_connection TEXT NOT NULL,
  counterparty_client TEXT NOT NULL,
  PRIMARY KEY (chain, connection)
) STRICT, WITHOUT ROWID;
CREATE INDEX connections_by_client ON connections (chain, client);

CREATE TABLE clients (
  chain TEXT NOT NULL,
  client TEXT NOT NULL,
  follows TEXT NOT NULL,
  trusting_seconds INTEGER,
  PRIMARY KEY (chain, client)
) STRICT, WITHOUT ROWID;
CREATE INDEX clients_by_follows ON clients (chain, follows);

-- Traces, each checked against the hash in its denom; `hops` is JSON, newest hop first.
CREATE TABLE denoms (
  chain TEXT NOT NULL,
  denom TEXT NOT NULL,
  hops TEXT NOT NULL,
  base TEXT NOT NULL,
  PRIMARY KEY (chain, denom)
) STRICT, WITHOUT ROWID;

-- Small things learned about a chain.
CREATE TABLE remembered (
  chain TEXT NOT NULL,
  name TEXT NOT NULL,
  value TEXT NOT NULL,
  PRIMARY KEY (chain, name)
) STRICT, WITHOUT ROWID;

CREATE TABLE operations (
  id TEXT PRIMARY KEY CHECK (id <> ''),
  requested_at TEXT NOT NULL,
  source_chain TEXT NOT NULL,
  source_port TEXT NOT NULL,
  source_channel TEXT NOT NULL,
  destination_chain TEXT NOT NULL,
  destination_port TEXT NOT NULL,
  destination_channel TEXT NOT NULL,
  sequences TEXT NOT NULL           -- ranges like 1,10..20: they may stand for millions
) STRICT, WITHOUT ROWID;
CREATE INDEX operations_by_time ON operations (requested_at, id);

CREATE TABLE cancellations (
  operation_id TEXT PRIMARY KEY REFERENCES operations (id),
  cancelled_at TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- The intent: committed before the relayer starts.
CREATE TABLE attempts (
  operation_id TEXT NOT NULL REFERENCES operations (id),
  number INTEGER NOT NULL CHECK (number >= 1),
  started_at TEXT NOT NULL,
  argv TEXT NOT NULL,
  PRIMARY KEY (operation_id, number)
) STRICT, WITHOUT ROWID;

CREATE TABLE packets_before (
  operation_id TEXT NOT NULL,
  number INTEGER NOT NULL,
  sequence INTEGER NOT NULL CHECK (sequence >= 1),
  position INTEGER NOT NULL,
  packet_class TEXT,
  commitment BLOB,
  heights TEXT NOT NULL,
  blocked TEXT,
  PRIMARY KEY (operation_id, number, sequence),
  FOREIGN KEY (operation_id, number) REFERENCES attempts (operation_id, number)
) STRICT, WITHOUT ROWID;

-- One packet's history: `packets show` asks for it.
CREATE INDEX packets_before_by_sequence ON packets_before (sequence, operation_id);

CREATE TABLE relay_runs (
  operation_id TEXT NOT NULL,
  number INTEGER NOT NULL,
  version TEXT NOT NULL,
  argv TEXT NOT NULL,
  exit_code INTEGER,
  seconds REAL NOT NULL,
  ended INTEGER NOT NULL CHECK (ended IN (0, 1)),
  events TEXT NOT NULL,
  complaints TEXT NOT NULL,
  output TEXT NOT NULL,
  PRIMARY KEY (operation_id, number),
  FOREIGN KEY (operation_id, number) REFERENCES attempts (operation_id, number)
) STRICT;

CREATE TABLE attempt_ends (
  operation_id TEXT NOT NULL,
  number INTEGER NOT NULL,
  ended_at TEXT NOT NULL,
  extra TEXT NOT NULL,
  PRIMARY KEY (operation_id, number),
  FOREIGN KEY (operation_id, number) REFERENCES attempts (operation_id, number)
) STRICT, WITHOUT ROWID;

CREATE TABLE packets_after (
  operation_id TEXT NOT NULL,
  number INTEGER NOT NULL,
  sequence INTEGER NOT NULL CHECK (sequence >= 1),
  position INTEGER NOT NULL,
  fate TEXT NOT NULL,
  doer TEXT NOT NULL,
  committed INTEGER CHECK (committed IN (0, 1)),
  received INTEGER CHECK (received IN (0, 1)),
  ack_success INTEGER CHECK (ack_success IN (0, 1)),
  heights TEXT NOT NULL,
  reason TEXT,
  PRIMARY KEY (operation_id, number, sequence),
  FOREIGN KEY (operation_id, number) REFERENCES attempt_ends (operation_id, number)
) STRICT, WITHOUT ROWID;

-- One transaction may have moved many packets: it stands once for each.
CREATE TABLE relay_txs (
  operation_id TEXT NOT NULL,
  number INTEGER NOT NULL,
  sequence INTEGER NOT NULL,
  position INTEGER NOT NULL,
  chain TEXT NOT NULL,
  step TEXT NOT NULL,
  hash TEXT NOT NULL,
  height INTEGER NOT NULL,
  included_at TEXT,
  relayer TEXT NOT NULL,
  fee TEXT NOT NULL,
  gas_used INTEGER NOT NULL,
  ack BLOB,
  PRIMARY KEY (operation_id, number, sequence, position),
  FOREIGN KEY (operation_id, number, sequence) REFERENCES packets_after (operation_id, number, sequence)
) STRICT, WITHOUT ROWID;

-- Queued, running or being verified: so that nobody searches all operations for these few.
CREATE TABLE open_operations (
  operation_id TEXT PRIMARY KEY REFERENCES operations (id)
) STRICT, WITHOUT ROWID;

-- `sequences` is NULL for the whole channel; `classes` is JSON, class -> ranges or null for any.
CREATE TABLE mutes (
  id INTEGER PRIMARY KEY,
  chain TEXT NOT NULL,
  port TEXT NOT NULL,
  channel TEXT NOT NULL,
  sequences TEXT,
  reason TEXT NOT NULL,
  classes TEXT NOT NULL,
  muted_at TEXT NOT NULL,
  until TEXT,
  ended_at TEXT
) STRICT;
CREATE INDEX mutes_by_end ON mutes (ended_at, muted_at);

CREATE TRIGGER past_sightings_stay BEFORE UPDATE ON past_sightings
BEGIN SELECT RAISE(ABORT, 'a past sighting is never changed'); END;

CREATE TRIGGER packets_stay BEFORE UPDATE ON packets
BEGIN SELECT RAISE(ABORT, 'packet details are never changed'); END;

CREATE TRIGGER operations_stay BEFORE UPDATE ON operations
BEGIN SELECT RAISE(ABORT, 'an operation is never changed'); END;
CREATE TRIGGER operations_last BEFORE DELETE ON operations
BEGIN SELECT RAISE(ABORT, 'an operation is never deleted'); END;

CREATE TRIGGER cancellations_stay BEFORE UPDATE ON cancellations
BEGIN SELECT RAISE(ABORT, 'a cancellation is never changed'); END;
CREATE TRIGGER cancellations_last BEFORE DELETE ON cancellations
BEGIN SELECT RAISE(ABORT, 'a cancellation is never deleted'); END;

CREATE TRIGGER attempts_stay BEFORE UPDATE ON attempts
BEGIN SELECT RAISE(ABORT, 'an attempt is never changed'); END;
CREATE TRIGGER attempts_last BEFORE DELETE ON attempts
BEGIN SELECT RAISE(ABORT, 'an attempt is never deleted'); END;

CREATE TRIGGER packets_before_stay BEFORE UPDATE ON packets_before
BEGIN SELECT RAISE(ABORT, 'what a packet was before an attempt is never changed'); END;
CREATE TRIGGER packets_before_last BEFORE DELETE ON packets_before
BEGIN SELECT RAISE(ABORT, 'what a packet was before an attempt is never deleted'); END;

CREATE TRIGGER relay_runs_stay BEFORE UPDATE ON relay_runs
BEGIN SELECT RAISE(ABORT, 'a run of the relayer is never changed'); END;
CREATE TRIGGER relay_runs_last BEFORE DELETE ON relay_runs
BEGIN SELECT RAISE(ABORT, 'a run of the relayer is never deleted'); END;

CREATE TRIGGER attempt_ends_stay BEFORE UPDATE ON attempt_ends
BEGIN SELECT RAISE(ABORT, 'the end of an attempt is never changed'); END;
CREATE TRIGGER attempt_ends_last BEFORE DELETE ON attempt_ends
BEGIN SELECT RAISE(ABORT, 'the end of an attempt is never deleted'); END;

CREATE TRIGGER packets_after_stay BEFORE UPDATE ON packets_after
BEGIN SELECT RAISE(ABORT, 'what became of a packet is never changed'); END;
CREATE TRIGGER packets_after_last BEFORE DELETE ON packets_after
BEGIN SELECT RAISE(ABORT, 'what became of a packet is never deleted'); END;

CREATE TRIGGER relay_txs_stay BEFORE UPDATE ON relay_txs
BEGIN SELECT RAISE(ABORT, 'a relay transaction is never changed'); END;
CREATE TRIGGER relay_txs_last BEFORE DELETE ON relay_txs
BEGIN SELECT RAISE(ABORT, 'a relay transaction is never deleted'); END;

-- A mute may end once; nothing else of it moves.
CREATE TRIGGER mutes_stay BEFORE UPDATE ON mutes
WHEN old.ended_at IS NOT NULL OR new.ended_at IS NULL OR new.id <> old.id
  OR new.chain <> old.chain OR new.port <> old.port OR new.channel <> old.channel
  OR new.sequences IS NOT old.sequences OR new.reason <> old.reason
  OR new.classes <> old.classes OR new.muted_at <> old.muted_at OR new.until IS NOT old.until
BEGIN SELECT RAISE(ABORT, 'a mute only ends, once'); END;
CREATE TRIGGER mutes_last BEFORE DELETE ON mutes
BEGIN SELECT RAISE(ABORT, 'a mute is never deleted'); END;
