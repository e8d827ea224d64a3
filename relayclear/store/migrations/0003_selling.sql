-- What relayclear remembers of its sales: tokens, payments, what was earned, the books, who did what.
--
-- May be forgotten 90 days after `until` (lists of the past then end there): past_token_states.
-- Follow the present and are rewritten (coordination): token_states, orphans, cursors, open_sales,
--   totals, watchers.  All but cursors and watchers can be worked out again from the facts.
-- Kept for ever, never changed, because money hangs on them: identity, tokens, token_packets,
--   revocations, answers, payments, matches, gaps, gap_acceptances, sales, sale_starts, allocations,
--   sale_ends, verdicts, requests, entries, postings, history.
--
-- Amounts are integers as text: they pass 64 bits.  Times are RFC 3339 in UTC with microseconds and
-- end in Z.  Those named *_at or `since` are ours, by the wall clock, where no other clock is named;
-- `credited_at`, `deadline_at`, `done_at`, `issued_at`, `expires_at`, `grace_ends_at`, `included_at`
-- and `read_through_time` are block times of the paying chain.
-- JSON texts hold what is shown and never searched.

-- Lists of one chain's or one channel's clears, and what relays over a channel cost lately.
CREATE INDEX operations_by_chain ON operations (source_chain, requested_at, id);
CREATE INDEX operations_by_channel ON operations (source_chain, source_port, source_channel, requested_at, id);

-- What names this database for ever: `instance` and other small facts.
CREATE TABLE identity (
  name TEXT PRIMARY KEY CHECK (name <> ''),
  value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE tokens (
  order_id TEXT PRIMARY KEY CHECK (length(order_id) = 16),    -- 8 random bytes as hex
  memo TEXT NOT NULL UNIQUE CHECK (memo <> ''),
  kid INTEGER NOT NULL,
  chain TEXT NOT NULL,              -- where it is paid
  denom TEXT NOT NULL,
  payee TEXT NOT NULL,
  amount TEXT NOT NULL CHECK (amount <> ''),
  issued_at TEXT NOT NULL,
  expires_at TEXT NOT NULL,
  grace_ends_at TEXT NOT NULL,
  wallet TEXT NOT NULL,             -- who sent the packets
  origin TEXT NOT NULL CHECK (origin IN ('issued', 'imported')),
  made_at TEXT NOT NULL,
  document TEXT NOT NULL            -- the signed quote, from which the token is read back
) STRICT;
CREATE INDEX tokens_by_time ON tokens (made_at, order_id);
CREATE INDEX tokens_by_chain ON tokens (chain, made_at, order_id);
CREATE INDEX tokens_by_wallet ON tokens (wallet, made_at, order_id);
CREATE INDEX tokens_by_wallet_expiry ON tokens (wallet, expires_at);
CREATE INDEX tokens_by_expiry ON tokens (chain, payee, expires_at);
CREATE INDEX tokens_by_key ON tokens (kid, made_at);

CREATE TABLE token_packets (
  order_id TEXT NOT NULL REFERENCES tokens (order_id),
  chain TEXT NOT NULL,
  port TEXT NOT NULL,
  channel TEXT NOT NULL,
  sequence INTEGER NOT NULL CHECK (sequence >= 1),
  PRIMARY KEY (order_id, chain, port, channel, sequence)
) STRICT, WITHOUT ROWID;
CREATE INDEX token_packets_by_packet ON token_packets (chain, port, channel, sequence);

CREATE TABLE revocations (
  order_id TEXT PRIMARY KEY REFERENCES tokens (order_id),
  revoked_at TEXT NOT NULL,
  who TEXT NOT NULL CHECK (who <> ''),
  why TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- The state of a token as last worked out, so that lists of one state don't look at all tokens.
CREATE TABLE token_states (
  order_id TEXT PRIMARY KEY REFERENCES tokens (order_id),
  state TEXT NOT NULL,
  since TEXT NOT NULL,
  chain TEXT NOT NULL,              -- these three are the token's own
  wallet TEXT NOT NULL,
  made_at TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX token_states_by_state ON token_states (state, made_at, order_id, since);
CREATE INDEX token_states_by_chain ON token_states (state, chain, made_at, order_id, since);
CREATE INDEX token_states_by_wallet ON token_states (state, wallet, made_at, order_id, since);

-- States that ended.  `magnitude` is the bit length of the whole seconds it lasted: whoever looks for
-- the states of a moment searches each magnitude only as far back as it can reach.
CREATE TABLE past_token_states (
  id INTEGER PRIMARY KEY,
  order_id TEXT NOT NULL REFERENCES tokens (order_id),
  state TEXT NOT NULL,
  since TEXT NOT NULL,
  until TEXT NOT NULL,
  magnitude INTEGER NOT NULL
) STRICT;
CREATE INDEX past_token_states_by_token ON past_token_states (order_id, since);
CREATE INDEX past_token_states_by_end ON past_token_states (until);
CREATE INDEX past_token_states_by_time ON past_token_states (state, magnitude, since, until, order_id);

-- What was answered to an idempotency key: the same words get the same answer for ever.
CREATE TABLE answers (
  key TEXT PRIMARY KEY CHECK (key <> ''),
  words TEXT NOT NULL,              -- a hash of what was asked
  answer TEXT NOT NULL,             -- JSON
  answered_at TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- One arrival of coins: the `ordinal`-th coin_received of the payee in the transaction.
CREATE TABLE payments (
  chain TEXT NOT NULL CHECK (chain <> ''),
  tx_hash TEXT NOT NULL CHECK (tx_hash <> '' AND tx_hash = upper(tx_hash)),
  ordinal INTEGER NOT NULL CHECK (ordinal >= 0),
  denom TEXT NOT NULL CHECK (denom <> ''),
  payee TEXT NOT NULL,
  amount TEXT NOT NULL CHECK (amount <> ''),
  height INTEGER NOT NULL,
  included_at TEXT NOT NULL,
  kind TEXT NOT NULL,
  sender TEXT,
  senders INTEGER NOT NULL,         -- how many paid together
  memo TEXT NOT NULL,
  outer_memo TEXT NOT NULL,
  packet TEXT,                      -- JSON: the packet that brought it,
  channel TEXT,                     -- and our end of its channel
  signed INTEGER NOT NULL CHECK (signed IN (0, 1)),
  seen_at TEXT NOT NULL,
  PRIMARY KEY (chain, tx_hash, ordinal, denom)
) STRICT, WITHOUT ROWID;
CREATE INDEX payments_by_tx ON payments (tx_hash, chain, ordinal, denom);
CREATE INDEX payments_by_time ON payments (included_at, tx_hash, ordinal, denom);
CREATE INDEX payments_by_chain ON payments (chain, included_at, tx_hash, ordinal, denom);
CREATE INDEX payments_by_sender ON payments (sender, included_at, tx_hash, ordinal, denom);

-- Which token a payment is for: once and for ever.
CREATE TABLE matches (
  chain TEXT NOT NULL,
  tx_hash TEXT NOT NULL,
  ordinal INTEGER NOT NULL,
  denom TEXT NOT NULL,
  order_id TEXT NOT NULL REFERENCES tokens (order_id),
  how TEXT NOT NULL CHECK (how IN ('memo', 'assigned', 'imported')),
  who TEXT NOT NULL CHECK (who <> ''),
  why TEXT NOT NULL CHECK (how <> 'assigned' OR why <> ''),
  matched_at TEXT NOT NULL,
  PRIMARY KEY (chain, tx_hash, ordinal, denom),
  FOREIGN KEY (chain, tx_hash, ordinal, denom) REFERENCES payments (chain, tx_hash, ordinal, denom)
) STRICT, WITHOUT ROWID;
CREATE INDEX matches_by_token ON matches (order_id);

-- Payments that nothing explains yet: no token, no booking of the operator.
CREATE TABLE orphans (
  chain TEXT NOT NULL,
  tx_hash TEXT NOT NULL,
  ordinal INTEGER NOT NULL,
  denom TEXT NOT NULL,
  kind TEXT NOT NULL CHECK (kind IN ('orphan', 'ours_lost', 'own', 'returned')),
  included_at TEXT NOT NULL,
  PRIMARY KEY (chain, tx_hash, ordinal, denom),
  FOREIGN KEY (chain, tx_hash, ordinal, denom) REFERENCES payments (chain, tx_hash, ordinal, denom)
) STRICT, WITHOUT ROWID;
CREATE INDEX orphans_by_kind ON orphans (kind, included_at, tx_hash, ordinal, denom);
CREATE INDEX orphans_by_chain ON orphans (kind, chain, included_at, tx_hash, ordinal, denom);

-- How far a payee's chain has been read, and from where: `opening` and `held` are JSON, denom -> amount,
-- the balances at `opening_height` and at `read_through`.
CREATE TABLE cursors (
  chain TEXT NOT NULL,
  payee TEXT NOT NULL,
  opening_height INTEGER NOT NULL,
  opening TEXT NOT NULL,
  read_through INTEGER NOT NULL CHECK (read_through >= opening_height),
  read_through_time TEXT NOT NULL,
  held TEXT NOT NULL,
  read_at TEXT NOT NULL,
  failed_at TEXT,
  error TEXT,
  PRIMARY KEY (chain, payee)
) STRICT, WITHOUT ROWID;

-- Heights that no node can serve.
CREATE TABLE gaps (
  id INTEGER PRIMARY KEY,
  chain TEXT NOT NULL,
  payee TEXT NOT NULL,
  first_height INTEGER NOT NULL,
  last_height INTEGER NOT NULL CHECK (last_height >= first_height),
  why TEXT NOT NULL,
  found_at TEXT NOT NULL,
  UNIQUE (chain, payee, first_height, last_height)
) STRICT;

CREATE TABLE gap_acceptances (
  gap_id INTEGER PRIMARY KEY REFERENCES gaps (id),
  who TEXT NOT NULL CHECK (who <> ''),
  reason TEXT NOT NULL CHECK (reason <> ''),
  accepted_at TEXT NOT NULL
) STRICT;

-- The work of a paid token.
CREATE TABLE sales (
  order_id TEXT PRIMARY KEY REFERENCES tokens (order_id),
  operation_id TEXT NOT NULL UNIQUE REFERENCES operations (id),
  made_at TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- The moment from which the allocation and the deadline stand, whatever is found later.
CREATE TABLE sale_starts (
  order_id TEXT PRIMARY KEY REFERENCES tokens (order_id),
  started_at TEXT NOT NULL,
  credited_at TEXT NOT NULL,
  deadline_at TEXT NOT NULL CHECK (deadline_at >= credited_at),
  credited_tx TEXT,                 -- the payment that completed the price; NULL for a price of 0
  credited_ordinal INTEGER,
  credited_denom TEXT,
  CHECK ((credited_tx IS NULL) = (credited_ordinal IS NULL) AND (credited_tx IS NULL) = (credited_denom IS NULL))
) STRICT, WITHOUT ROWID;

CREATE TABLE allocations (
  order_id TEXT NOT NULL REFERENCES sale_starts (order_id),
  chain TEXT NOT NULL,
  tx_hash TEXT NOT NULL,
  ordinal INTEGER NOT NULL,
  denom TEXT NOT NULL,
  applied TEXT NOT NULL CHECK (applied <> ''),
  PRIMARY KEY (order_id, chain, tx_hash, ordinal, denom),
  FOREIGN KEY (chain, tx_hash, ordinal, denom) REFERENCES payments (chain, tx_hash, ordinal, denom)
) STRICT, WITHOUT ROWID;

CREATE TABLE sale_ends (
  order_id TEXT PRIMARY KEY REFERENCES tokens (order_id),
  ended_at TEXT NOT NULL,
  why TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- Paid and not ended; the deadline is the one of the settlement as last worked out.
CREATE TABLE open_sales (
  order_id TEXT PRIMARY KEY REFERENCES tokens (order_id),
  chain TEXT NOT NULL,
  deadline_at TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX open_sales_by_deadline ON open_sales (chain, deadline_at);

-- Final words on a packet's share: once and for ever, and earned for one token only.
CREATE TABLE verdicts (
  order_id TEXT NOT NULL,
  chain TEXT NOT NULL,
  port TEXT NOT NULL,
  channel TEXT NOT NULL,
  sequence INTEGER NOT NULL,
  result TEXT NOT NULL CHECK (result IN ('earned', 'owed_back')),
  reason TEXT NOT NULL CHECK (reason <> ''),
  doer TEXT NOT NULL,
  tx_hash TEXT,
  done_at TEXT,
  who TEXT NOT NULL CHECK (who <> ''),
  judged_at TEXT NOT NULL,
  PRIMARY KEY (order_id, chain, port, channel, sequence),
  FOREIGN KEY (order_id, chain, port, channel, sequence)
    REFERENCES token_packets (order_id, chain, port, channel, sequence)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX verdicts_earned ON verdicts (chain, port, channel, sequence) WHERE result = 'earned';

-- What the operator asked of a token's work.
CREATE TABLE requests (
  id INTEGER PRIMARY KEY,
  order_id TEXT NOT NULL REFERENCES tokens (order_id),
  word TEXT NOT NULL CHECK (word IN ('clear', 'retry', 'cancel')),
  who TEXT NOT NULL CHECK (who <> ''),
  why TEXT NOT NULL,
  asked_at TEXT NOT NULL
) STRICT;
CREATE INDEX requests_by_token ON requests (order_id, id);

-- One booking, named by what happened (`kind`) to what (`ref`): nothing is booked twice.
CREATE TABLE entries (
  id INTEGER PRIMARY KEY,
  chain TEXT NOT NULL,
  denom TEXT NOT NULL,
  kind TEXT NOT NULL CHECK (kind <> ''),
  ref TEXT NOT NULL CHECK (ref <> ''),
  order_id TEXT REFERENCES tokens (order_id),
  booked_at TEXT NOT NULL,
  UNIQUE (chain, denom, kind, ref)
) STRICT;
CREATE INDEX entries_by_token ON entries (order_id, id);

-- `amount` may be below 0; `total` is the account's after it.  Chain, denom and time are the entry's.
CREATE TABLE postings (
  entry_id INTEGER NOT NULL REFERENCES entries (id),
  account TEXT NOT NULL,
  chain TEXT NOT NULL,
  denom TEXT NOT NULL,
  amount TEXT NOT NULL CHECK (amount <> ''),
  total TEXT NOT NULL CHECK (total <> ''),
  booked_at TEXT NOT NULL,
  PRIMARY KEY (entry_id, account)
) STRICT, WITHOUT ROWID;
CREATE INDEX postings_by_account ON postings (chain, denom, account, booked_at, entry_id, total);

-- What every account stands at.  `entry_id` is the entry that moved it last.
CREATE TABLE totals (
  chain TEXT NOT NULL,
  denom TEXT NOT NULL,
  account TEXT NOT NULL,
  amount TEXT NOT NULL CHECK (amount <> ''),
  entry_id INTEGER NOT NULL REFERENCES entries (id),
  PRIMARY KEY (chain, denom, account)
) STRICT, WITHOUT ROWID;

-- Every state change and every action of a person.
CREATE TABLE history (
  id INTEGER PRIMARY KEY,
  happened_at TEXT NOT NULL,
  who TEXT NOT NULL CHECK (who <> ''),
  what TEXT NOT NULL CHECK (what <> ''),
  order_id TEXT,
  operation_id TEXT,
  wallet TEXT,
  subject TEXT,                     -- any other thing it is about: a payment, a key, a gap
  detail TEXT NOT NULL              -- JSON
) STRICT;
CREATE INDEX history_by_time ON history (happened_at, id);
CREATE INDEX history_by_token ON history (order_id, happened_at, id);
CREATE INDEX history_by_operation ON history (operation_id, happened_at, id);
CREATE INDEX history_by_wallet ON history (wallet, happened_at, id);
CREATE INDEX history_by_subject ON history (subject, happened_at, id);

-- Who watches, and when it last said so.
CREATE TABLE watchers (
  role TEXT PRIMARY KEY,
  pid INTEGER NOT NULL,
  started_at TEXT NOT NULL,
  beat_at TEXT NOT NULL,
  doing TEXT NOT NULL               -- JSON
) STRICT, WITHOUT ROWID;

CREATE TRIGGER identity_stay BEFORE UPDATE ON identity
BEGIN SELECT RAISE(ABORT, 'what names this database is never changed'); END;
CREATE TRIGGER identity_last BEFORE DELETE ON identity
BEGIN SELECT RAISE(ABORT, 'what names this database is never deleted'); END;

CREATE TRIGGER tokens_stay BEFORE UPDATE ON tokens
BEGIN SELECT RAISE(ABORT, 'a token is never changed'); END;
CREATE TRIGGER tokens_last BEFORE DELETE ON tokens
BEGIN SELECT RAISE(ABORT, 'a token is never deleted'); END;

CREATE TRIGGER token_packets_stay BEFORE UPDATE ON token_packets
BEGIN SELECT RAISE(ABORT, 'the packets of a token are never changed'); END;
CREATE TRIGGER token_packets_last BEFORE DELETE ON token_packets
BEGIN SELECT RAISE(ABORT, 'the packets of a token are never deleted'); END;

CREATE TRIGGER revocations_stay BEFORE UPDATE ON revocations
BEGIN SELECT RAISE(ABORT, 'a revocation is never changed'); END;
CREATE TRIGGER revocations_last BEFORE DELETE ON revocations
BEGIN SELECT RAISE(ABORT, 'a revocation is never deleted'); END;

CREATE TRIGGER answers_stay BEFORE UPDATE ON answers
BEGIN SELECT RAISE(ABORT, 'an answer is never changed'); END;
CREATE TRIGGER answers_last BEFORE DELETE ON answers
BEGIN SELECT RAISE(ABORT, 'an answer is never deleted'); END;

CREATE TRIGGER payments_stay BEFORE UPDATE ON payments
BEGIN SELECT RAISE(ABORT, 'a payment is never changed'); END;
CREATE TRIGGER payments_last BEFORE DELETE ON payments
BEGIN SELECT RAISE(ABORT, 'a payment is never deleted'); END;

CREATE TRIGGER matches_stay BEFORE UPDATE ON matches
BEGIN SELECT RAISE(ABORT, 'what a payment is for is never changed'); END;
CREATE TRIGGER matches_last BEFORE DELETE ON matches
BEGIN SELECT RAISE(ABORT, 'what a payment is for is never deleted'); END;

CREATE TRIGGER gaps_stay BEFORE UPDATE ON gaps
BEGIN SELECT RAISE(ABORT, 'a gap is never changed'); END;
CREATE TRIGGER gaps_last BEFORE DELETE ON gaps
BEGIN SELECT RAISE(ABORT, 'a gap is never deleted'); END;

CREATE TRIGGER gap_acceptances_stay BEFORE UPDATE ON gap_acceptances
BEGIN SELECT RAISE(ABORT, 'the acceptance of a gap is never changed'); END;
CREATE TRIGGER gap_acceptances_last BEFORE DELETE ON gap_acceptances
BEGIN SELECT RAISE(ABORT, 'the acceptance of a gap is never deleted'); END;

CREATE TRIGGER sales_stay BEFORE UPDATE ON sales
BEGIN SELECT RAISE(ABORT, 'a sale is never changed'); END;
CREATE TRIGGER sales_last BEFORE DELETE ON sales
BEGIN SELECT RAISE(ABORT, 'a sale is never deleted'); END;

CREATE TRIGGER sale_starts_stay BEFORE UPDATE ON sale_starts
BEGIN SELECT RAISE(ABORT, 'the start of a sale is never changed'); END;
CREATE TRIGGER sale_starts_last BEFORE DELETE ON sale_starts
BEGIN SELECT RAISE(ABORT, 'the start of a sale is never deleted'); END;

CREATE TRIGGER allocations_stay BEFORE UPDATE ON allocations
BEGIN SELECT RAISE(ABORT, 'an allocation is never changed'); END;
CREATE TRIGGER allocations_last BEFORE DELETE ON allocations
BEGIN SELECT RAISE(ABORT, 'an allocation is never deleted'); END;

CREATE TRIGGER sale_ends_stay BEFORE UPDATE ON sale_ends
BEGIN SELECT RAISE(ABORT, 'the end of a sale is never changed'); END;
CREATE TRIGGER sale_ends_last BEFORE DELETE ON sale_ends
BEGIN SELECT RAISE(ABORT, 'the end of a sale is never deleted'); END;

CREATE TRIGGER verdicts_stay BEFORE UPDATE ON verdicts
BEGIN SELECT RAISE(ABORT, 'a verdict is never changed'); END;
CREATE TRIGGER verdicts_last BEFORE DELETE ON verdicts
BEGIN SELECT RAISE(ABORT, 'a verdict is never deleted'); END;

CREATE TRIGGER requests_stay BEFORE UPDATE ON requests
BEGIN SELECT RAISE(ABORT, 'a request is never changed'); END;
CREATE TRIGGER requests_last BEFORE DELETE ON requests
BEGIN SELECT RAISE(ABORT, 'a request is never deleted'); END;

CREATE TRIGGER entries_stay BEFORE UPDATE ON entries
BEGIN SELECT RAISE(ABORT, 'an entry of the books is never changed'); END;
CREATE TRIGGER entries_last BEFORE DELETE ON entries
BEGIN SELECT RAISE(ABORT, 'an entry of the books is never deleted'); END;

CREATE TRIGGER postings_stay BEFORE UPDATE ON postings
BEGIN SELECT RAISE(ABORT, 'a posting is never changed'); END;
CREATE TRIGGER postings_last BEFORE DELETE ON postings
BEGIN SELECT RAISE(ABORT, 'a posting is never deleted'); END;

CREATE TRIGGER history_stay BEFORE UPDATE ON history
BEGIN SELECT RAISE(ABORT, 'history is never changed'); END;
CREATE TRIGGER history_last BEFORE DELETE ON history
BEGIN SELECT RAISE(ABORT, 'history is never deleted'); END;

CREATE TRIGGER past_token_states_stay BEFORE UPDATE ON past_token_states
BEGIN SELECT RAISE(ABORT, 'a past state is never changed'); END;
