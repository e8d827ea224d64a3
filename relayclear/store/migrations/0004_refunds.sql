-- Giving back: what is owed, what was decided, what was signed, and what the wallet's account did; what
-- clearing cost, and whether the books agree with the chains.
--
-- Follow the present and are rewritten (coordination): dues, undecided, refund_states, taken_back,
--   unexplained, wallet_begins, audits, unread_costs.  All but audits can be worked out again from the
--   facts, and an audit can be made again; nothing here may be forgotten.
-- Kept for ever, never changed, because money hangs on them: refunds, refund_events, signings,
--   broadcasts, assumed_dead, sequence_uses, assignments, claim_texts, claims, auto_stops, auto_goes,
--   relay_marks, relay_costs.
--
-- Amounts are integers as text; `taken_back` pads them with zeros to 80 digits, so that text order is
-- number order.  Times are those of the tables before; `included_at` is a block time.

-- What is owed back of a payment and not decided yet, as last worked out: one refund a payment.
CREATE TABLE dues (
  chain TEXT NOT NULL,
  tx_hash TEXT NOT NULL,
  ordinal INTEGER NOT NULL,
  denom TEXT NOT NULL,
  order_id TEXT NOT NULL REFERENCES tokens (order_id),
  since TEXT NOT NULL,
  PRIMARY KEY (chain, tx_hash, ordinal, denom),
  FOREIGN KEY (chain, tx_hash, ordinal, denom) REFERENCES payments (chain, tx_hash, ordinal, denom)
) STRICT, WITHOUT ROWID;
CREATE INDEX dues_by_token ON dues (order_id, since);
CREATE INDEX dues_by_time ON dues (since, chain, tx_hash, ordinal, denom, order_id);

-- Packets of paid tokens whose verdict only a person can give, as last looked at.
CREATE TABLE undecided (
  order_id TEXT NOT NULL,
  chain TEXT NOT NULL,
  port TEXT NOT NULL,
  channel TEXT NOT NULL,
  sequence INTEGER NOT NULL,
  reason TEXT NOT NULL CHECK (reason <> ''),
  since TEXT NOT NULL,
  PRIMARY KEY (order_id, chain, port, channel, sequence),
  FOREIGN KEY (order_id, chain, port, channel, sequence)
    REFERENCES token_packets (order_id, chain, port, channel, sequence)
) STRICT, WITHOUT ROWID;

-- A refund that somebody decided about: the `number`-th of its payment.
CREATE TABLE refunds (
  id TEXT PRIMARY KEY CHECK (length(id) = 24),
  chain TEXT NOT NULL,
  tx_hash TEXT NOT NULL,
  ordinal INTEGER NOT NULL,
  denom TEXT NOT NULL,
  number INTEGER NOT NULL CHECK (number >= 1),
  order_id TEXT NOT NULL REFERENCES tokens (order_id),
  payee TEXT NOT NULL,              -- the wallet it is paid from
  to_address TEXT NOT NULL,         -- empty where nobody is paid: waived before anybody claimed it
  port TEXT,                        -- our end of the channel it goes over; NULL on the same chain
  channel TEXT,
  cause TEXT NOT NULL CHECK (cause <> ''),
  parts TEXT NOT NULL,              -- JSON: [cause, amount]
  gross TEXT NOT NULL CHECK (gross <> ''),
  fee TEXT NOT NULL CHECK (fee <> ''),
  by_itself INTEGER NOT NULL CHECK (by_itself IN (0, 1)),  -- within the caps, asked of nobody
  read_through_time TEXT NOT NULL,  -- block time up to which the chain had been read: what caps count by
  made_at TEXT NOT NULL,
  UNIQUE (chain, tx_hash, ordinal, denom, number),
  FOREIGN KEY (chain, tx_hash, ordinal, denom) REFERENCES payments (chain, tx_hash, ordinal, denom),
  CHECK ((port IS NULL) = (channel IS NULL))
) STRICT, WITHOUT ROWID;
CREATE INDEX refunds_by_token ON refunds (order_id, made_at, id);
CREATE INDEX refunds_by_time ON refunds (made_at, id);
CREATE INDEX refunds_by_themselves ON refunds (chain, denom, read_through_time) WHERE by_itself = 1;

-- What was said or found of a refund, in its order.
CREATE TABLE refund_events (
  id INTEGER PRIMARY KEY,
  refund_id TEXT NOT NULL REFERENCES refunds (id),
  word TEXT NOT NULL CHECK (word IN ('approved', 'withdrawn', 'exported', 'export_cancelled', 'waived',
    'written_off', 'paid_by_hand', 'in_transit', 'arrived', 'returned', 'confirmed', 'failed')),
  tx_hash TEXT,                     -- the transaction that it rests on,
  output INTEGER,                   -- and which of the coins that it brought to
  recipient TEXT,                   -- this account
  who TEXT NOT NULL CHECK (who <> ''),
  why TEXT NOT NULL,
  detail TEXT NOT NULL,             -- JSON
  said_at TEXT NOT NULL
) STRICT;
CREATE INDEX refund_events_by_tx ON refund_events (tx_hash, word, refund_id);
CREATE INDEX refund_events_by_refund ON refund_events (refund_id, id);
-- One output pays one refund: a transaction of a multisig may pay many.
CREATE UNIQUE INDEX refund_events_paid ON refund_events (tx_hash, recipient, output)
  WHERE word IN ('paid_by_hand', 'confirmed');

-- The state of a refund as last worked out, so that lists of one state don't look at all refunds.
CREATE TABLE refund_states (
  refund_id TEXT PRIMARY KEY REFERENCES refunds (id),
  state TEXT NOT NULL,
  since TEXT NOT NULL,
  chain TEXT NOT NULL,              -- these two are the refund's own
  made_at TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX refund_states_by_state ON refund_states (state, made_at, refund_id);
CREATE INDEX refund_states_by_chain ON refund_states (chain, state, since, refund_id);

-- The last guard: never more approved, kept or sent back of a payment than came.
CREATE TABLE taken_back (
  chain TEXT NOT NULL,
  tx_hash TEXT NOT NULL,
  ordinal INTEGER NOT NULL,
  denom TEXT NOT NULL,
  amount TEXT NOT NULL CHECK (length(amount) = 80),
  most TEXT NOT NULL CHECK (length(most) = 80),
  PRIMARY KEY (chain, tx_hash, ordinal, denom),
  FOREIGN KEY (chain, tx_hash, ordinal, denom) REFERENCES payments (chain, tx_hash, ordinal, denom),
  CHECK (amount <= most)
) STRICT, WITHOUT ROWID;

-- Everything that was ever signed: the very bytes.  Without a refund it sends the wallet its own coins,
-- to use up a sequence.
CREATE TABLE signings (
  tx_hash TEXT PRIMARY KEY CHECK (tx_hash <> '' AND tx_hash = upper(tx_hash)),
  refund_id TEXT REFERENCES refunds (id),
  chain TEXT NOT NULL,
  address TEXT NOT NULL,
  sequence INTEGER NOT NULL CHECK (sequence >= 0),
  timeout_height INTEGER NOT NULL CHECK (timeout_height > at_height),
  at_height INTEGER NOT NULL,       -- the newest block when it was signed
  fee TEXT NOT NULL,                -- JSON: coins
  gas INTEGER NOT NULL,
  raw TEXT NOT NULL CHECK (raw <> ''),  -- base64
  signed_at TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX signings_by_refund ON signings (refund_id, signed_at);
CREATE INDEX signings_by_sequence ON signings (chain, address, sequence, signed_at);

CREATE TABLE broadcasts (
  id INTEGER PRIMARY KEY,
  tx_hash TEXT NOT NULL REFERENCES signings (tx_hash),
  at_height INTEGER NOT NULL,
  code INTEGER,                     -- NULL: no answer came
  answer TEXT NOT NULL,
  sent_at TEXT NOT NULL
) STRICT;
CREATE INDEX broadcasts_by_tx ON broadcasts (tx_hash, id);

-- A signing that a person took for dead though no node can show it.
CREATE TABLE assumed_dead (
  tx_hash TEXT PRIMARY KEY REFERENCES signings (tx_hash),
  who TEXT NOT NULL CHECK (who <> ''),
  why TEXT NOT NULL CHECK (why <> ''),
  assumed_at TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- What used each sequence of a wallet's account, as read from the chain.
CREATE TABLE sequence_uses (
  chain TEXT NOT NULL,
  address TEXT NOT NULL,
  sequence INTEGER NOT NULL CHECK (sequence >= 0),
  tx_hash TEXT NOT NULL,
  height INTEGER NOT NULL,
  included_at TEXT NOT NULL,
  code INTEGER NOT NULL,
  memo TEXT NOT NULL,
  fee TEXT NOT NULL,                -- JSON: coins
  outputs TEXT NOT NULL,            -- JSON: [ordinal, to, denom, amount]
  packets TEXT NOT NULL,            -- JSON: packet keys
  read_at TEXT NOT NULL,
  PRIMARY KEY (chain, address, sequence)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX sequence_uses_by_tx ON sequence_uses (tx_hash, chain, address);

-- From where on a wallet's account is read: all sequences below `sequence` were used up to `height`.
CREATE TABLE wallet_begins (
  chain TEXT NOT NULL,
  address TEXT NOT NULL,
  sequence INTEGER NOT NULL,
  height INTEGER NOT NULL,
  PRIMARY KEY (chain, address)
) STRICT, WITHOUT ROWID;

-- Uses that are neither refunds of ours nor explained by the operator: nothing is signed while there is one.
CREATE TABLE unexplained (
  chain TEXT NOT NULL,
  address TEXT NOT NULL,
  sequence INTEGER NOT NULL,
  PRIMARY KEY (chain, address, sequence),
  FOREIGN KEY (chain, address, sequence) REFERENCES sequence_uses (chain, address, sequence)
) STRICT, WITHOUT ROWID;

-- What the operator says of a movement: `way` is in or out, `ordinal` counts that way's events.
CREATE TABLE assignments (
  chain TEXT NOT NULL,
  tx_hash TEXT NOT NULL,
  way TEXT NOT NULL CHECK (way IN ('in', 'out')),
  ordinal INTEGER NOT NULL,
  denom TEXT NOT NULL,
  word TEXT NOT NULL CHECK (word IN ('deposit', 'withdrawal', 'income', 'expense')),
  who TEXT NOT NULL CHECK (who <> ''),
  why TEXT NOT NULL CHECK (why <> ''),
  assigned_at TEXT NOT NULL,
  PRIMARY KEY (chain, tx_hash, way, ordinal, denom),
  CHECK ((way = 'in') = (word IN ('deposit', 'income')))
) STRICT, WITHOUT ROWID;

-- Texts that a payer was asked to sign, each good once, with the terms that stand in them.
CREATE TABLE claim_texts (
  nonce TEXT PRIMARY KEY CHECK (nonce <> ''),
  refund_id TEXT NOT NULL CHECK (length(refund_id) = 24),  -- of a refund that may not be decided yet
  chain TEXT NOT NULL,
  denom TEXT NOT NULL,
  amount TEXT NOT NULL CHECK (amount <> ''),
  to_chain TEXT NOT NULL CHECK (to_chain <> ''),
  to_address TEXT NOT NULL CHECK (to_address <> ''),
  port TEXT,                        -- our end of the channel it would go over; NULL on the same chain
  channel TEXT,
  instance TEXT NOT NULL,
  text TEXT NOT NULL CHECK (text <> ''),
  made_at TEXT NOT NULL,
  CHECK ((port IS NULL) = (channel IS NULL)),
  CHECK ((port IS NULL) = (chain = to_chain))
) STRICT, WITHOUT ROWID;

-- Where a payer said that a refund should go, with the signature that says so.  Only verified ones: of
-- those of one refund and amount the first counts, later ones are kept to be shown.
CREATE TABLE claims (
  id INTEGER PRIMARY KEY,
  refund_id TEXT NOT NULL CHECK (length(refund_id) = 24),  -- the text's, or the next one if that was approved
  nonce TEXT NOT NULL UNIQUE REFERENCES claim_texts (nonce),
  signer TEXT NOT NULL CHECK (signer <> ''),
  role TEXT NOT NULL CHECK (role IN ('payer', 'packet')),
  signature TEXT NOT NULL,          -- JSON: public key and signature in hex
  who TEXT NOT NULL CHECK (who <> ''),  -- the operator who brought it
  claimed_at TEXT NOT NULL
) STRICT;
CREATE INDEX claims_by_refund ON claims (refund_id, id);

-- Why refunds don't go by themselves any more (a restore, a foreign sequence), and who let them go on.
CREATE TABLE auto_stops (
  id INTEGER PRIMARY KEY,
  chain TEXT NOT NULL,              -- empty: every chain
  why TEXT NOT NULL CHECK (why <> ''),
  stopped_at TEXT NOT NULL
) STRICT;
CREATE INDEX auto_stops_by_chain ON auto_stops (chain, id);

CREATE TABLE auto_goes (
  stop_id INTEGER NOT NULL REFERENCES auto_stops (id),
  chain TEXT NOT NULL CHECK (chain <> ''),
  who TEXT NOT NULL CHECK (who <> ''),
  why TEXT NOT NULL,
  went_on_at TEXT NOT NULL,
  PRIMARY KEY (stop_id, chain)
) STRICT, WITHOUT ROWID;

-- The last whole audit of each chain: through which height, and which stop was the last one then (0: none).
CREATE TABLE audits (
  chain TEXT PRIMARY KEY,
  audited_at TEXT NOT NULL,
  height INTEGER NOT NULL,
  agrees INTEGER NOT NULL CHECK (agrees IN (0, 1)),
  last_stop INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- The next sequence of the account that signed a run of Hermes, before it and after it ended by itself,
-- and the newest block then.
CREATE TABLE relay_marks (
  id INTEGER PRIMARY KEY,
  chain TEXT NOT NULL,
  address TEXT NOT NULL,
  moment TEXT NOT NULL CHECK (moment IN ('before', 'after')),
  sequence INTEGER NOT NULL CHECK (sequence >= 0),
  height INTEGER NOT NULL,
  operation_id TEXT NOT NULL,
  attempt INTEGER NOT NULL,
  marked_at TEXT NOT NULL,
  UNIQUE (operation_id, attempt, chain, moment),
  FOREIGN KEY (operation_id, attempt) REFERENCES attempts (operation_id, number)
) STRICT;
CREATE INDEX relay_marks_by_account ON relay_marks (chain, address, moment, id);

-- What each transaction of a run cost, failed ones too: once, for the attempt that it was sent by.
CREATE TABLE relay_costs (
  chain TEXT NOT NULL,
  tx_hash TEXT NOT NULL,
  address TEXT NOT NULL,
  sequence INTEGER NOT NULL,
  operation_id TEXT NOT NULL,
  attempt INTEGER NOT NULL,
  fee TEXT NOT NULL,                -- JSON: coins
  code INTEGER NOT NULL,
  height INTEGER NOT NULL,
  included_at TEXT NOT NULL,        -- block time
  read_at TEXT NOT NULL,
  PRIMARY KEY (chain, tx_hash),
  UNIQUE (chain, address, sequence),
  FOREIGN KEY (operation_id, attempt) REFERENCES attempts (operation_id, number)
) STRICT, WITHOUT ROWID;
CREATE INDEX relay_costs_by_operation ON relay_costs (operation_id, attempt, chain, sequence);

-- Runs of which not every transaction is read yet.
CREATE TABLE unread_costs (
  operation_id TEXT NOT NULL,
  attempt INTEGER NOT NULL,
  chain TEXT NOT NULL,
  PRIMARY KEY (operation_id, attempt, chain),
  FOREIGN KEY (operation_id, attempt) REFERENCES attempts (operation_id, number)
) STRICT, WITHOUT ROWID;

CREATE TRIGGER refunds_stay BEFORE UPDATE ON refunds
BEGIN SELECT RAISE(ABORT, 'what was decided of a refund is never changed'); END;
CREATE TRIGGER refunds_last BEFORE DELETE ON refunds
BEGIN SELECT RAISE(ABORT, 'a refund is never deleted'); END;

CREATE TRIGGER refund_events_stay BEFORE UPDATE ON refund_events
BEGIN SELECT RAISE(ABORT, 'what was said of a refund is never changed'); END;
CREATE TRIGGER refund_events_last BEFORE DELETE ON refund_events
BEGIN SELECT RAISE(ABORT, 'what was said of a refund is never deleted'); END;

CREATE TRIGGER signings_stay BEFORE UPDATE ON signings
BEGIN SELECT RAISE(ABORT, 'what was signed is never changed'); END;
CREATE TRIGGER signings_last BEFORE DELETE ON signings
BEGIN SELECT RAISE(ABORT, 'what was signed is never deleted'); END;

CREATE TRIGGER broadcasts_stay BEFORE UPDATE ON broadcasts
BEGIN SELECT RAISE(ABORT, 'a broadcast is never changed'); END;
CREATE TRIGGER broadcasts_last BEFORE DELETE ON broadcasts
BEGIN SELECT RAISE(ABORT, 'a broadcast is never deleted'); END;

CREATE TRIGGER assumed_dead_stay BEFORE UPDATE ON assumed_dead
BEGIN SELECT RAISE(ABORT, 'an assumption is never changed'); END;
CREATE TRIGGER assumed_dead_last BEFORE DELETE ON assumed_dead
BEGIN SELECT RAISE(ABORT, 'an assumption is never deleted'); END;

CREATE TRIGGER sequence_uses_stay BEFORE UPDATE ON sequence_uses
BEGIN SELECT RAISE(ABORT, 'what used a sequence is never changed'); END;
CREATE TRIGGER sequence_uses_last BEFORE DELETE ON sequence_uses
BEGIN SELECT RAISE(ABORT, 'what used a sequence is never deleted'); END;

CREATE TRIGGER assignments_stay BEFORE UPDATE ON assignments
BEGIN SELECT RAISE(ABORT, 'an assignment is never changed'); END;
CREATE TRIGGER assignments_last BEFORE DELETE ON assignments
BEGIN SELECT RAISE(ABORT, 'an assignment is never deleted'); END;

CREATE TRIGGER claim_texts_stay BEFORE UPDATE ON claim_texts
BEGIN SELECT RAISE(ABORT, 'a text to sign is never changed'); END;
CREATE TRIGGER claim_texts_last BEFORE DELETE ON claim_texts
BEGIN SELECT RAISE(ABORT, 'a text to sign is never deleted'); END;

CREATE TRIGGER claims_stay BEFORE UPDATE ON claims
BEGIN SELECT RAISE(ABORT, 'a claim is never changed'); END;
CREATE TRIGGER claims_last BEFORE DELETE ON claims
BEGIN SELECT RAISE(ABORT, 'a claim is never deleted'); END;

CREATE TRIGGER auto_stops_stay BEFORE UPDATE ON auto_stops
BEGIN SELECT RAISE(ABORT, 'a stop is never changed'); END;
CREATE TRIGGER auto_stops_last BEFORE DELETE ON auto_stops
BEGIN SELECT RAISE(ABORT, 'a stop is never deleted'); END;

CREATE TRIGGER auto_goes_stay BEFORE UPDATE ON auto_goes
BEGIN SELECT RAISE(ABORT, 'a go is never changed'); END;
CREATE TRIGGER auto_goes_last BEFORE DELETE ON auto_goes
BEGIN SELECT RAISE(ABORT, 'a go is never deleted'); END;

CREATE TRIGGER relay_marks_stay BEFORE UPDATE ON relay_marks
BEGIN SELECT RAISE(ABORT, 'a mark of a run is never changed'); END;
CREATE TRIGGER relay_marks_last BEFORE DELETE ON relay_marks
BEGIN SELECT RAISE(ABORT, 'a mark of a run is never deleted'); END;

CREATE TRIGGER relay_costs_stay BEFORE UPDATE ON relay_costs
BEGIN SELECT RAISE(ABORT, 'what a run cost is never changed'); END;
CREATE TRIGGER relay_costs_last BEFORE DELETE ON relay_costs
BEGIN SELECT RAISE(ABORT, 'what a run cost is never deleted'); END;

-- The most is the payment itself, whoever writes the row.
CREATE TRIGGER taken_back_begin BEFORE INSERT ON taken_back
WHEN NEW.most <> (SELECT substr('00000000000000000000000000000000000000000000000000000000000000000000000000000000' || amount, -80) FROM payments WHERE chain = NEW.chain
  AND tx_hash = NEW.tx_hash AND ordinal = NEW.ordinal AND denom = NEW.denom)
BEGIN SELECT RAISE(ABORT, 'more would go back of a payment than came'); END;
CREATE TRIGGER taken_back_most BEFORE UPDATE OF most ON taken_back
BEGIN SELECT RAISE(ABORT, 'what came is never changed'); END;
CREATE TRIGGER taken_back_last BEFORE DELETE ON taken_back
BEGIN SELECT RAISE(ABORT, 'what went back is never forgotten'); END;
