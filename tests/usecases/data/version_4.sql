BEGIN TRANSACTION;
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
INSERT INTO "allocations" VALUES('3f1efc0510e67132','alpha-1','F4B6570BF54D782D30B27EDDBC3CD3DBB0037144629DD4D8438AD0BC893AC314',0,'stake','1109375');
CREATE TABLE answers (
  key TEXT PRIMARY KEY CHECK (key <> ''),
  words TEXT NOT NULL,              -- a hash of what was asked
  answer TEXT NOT NULL,             -- JSON
  answered_at TEXT NOT NULL
) STRICT, WITHOUT ROWID;
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
CREATE TABLE assumed_dead (
  tx_hash TEXT PRIMARY KEY REFERENCES signings (tx_hash),
  who TEXT NOT NULL CHECK (who <> ''),
  why TEXT NOT NULL CHECK (why <> ''),
  assumed_at TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE attempt_ends (
  operation_id TEXT NOT NULL,
  number INTEGER NOT NULL,
  ended_at TEXT NOT NULL,
  extra TEXT NOT NULL,
  PRIMARY KEY (operation_id, number),
  FOREIGN KEY (operation_id, number) REFERENCES attempts (operation_id, number)
) STRICT, WITHOUT ROWID;
CREATE TABLE attempts (
  operation_id TEXT NOT NULL REFERENCES operations (id),
  number INTEGER NOT NULL CHECK (number >= 1),
  started_at TEXT NOT NULL,
  argv TEXT NOT NULL,
  PRIMARY KEY (operation_id, number)
) STRICT, WITHOUT ROWID;
INSERT INTO "attempts" VALUES('op-b6da9fc109',1,'2026-01-02T12:10:20.000000Z','[]');
CREATE TABLE audits (
  chain TEXT PRIMARY KEY,
  audited_at TEXT NOT NULL,
  height INTEGER NOT NULL,
  agrees INTEGER NOT NULL CHECK (agrees IN (0, 1)),
  last_stop INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE auto_goes (
  stop_id INTEGER NOT NULL REFERENCES auto_stops (id),
  chain TEXT NOT NULL CHECK (chain <> ''),
  who TEXT NOT NULL CHECK (who <> ''),
  why TEXT NOT NULL,
  went_on_at TEXT NOT NULL,
  PRIMARY KEY (stop_id, chain)
) STRICT, WITHOUT ROWID;
CREATE TABLE auto_stops (
  id INTEGER PRIMARY KEY,
  chain TEXT NOT NULL,              -- empty: every chain
  why TEXT NOT NULL CHECK (why <> ''),
  stopped_at TEXT NOT NULL
) STRICT;
CREATE TABLE broadcasts (
  id INTEGER PRIMARY KEY,
  tx_hash TEXT NOT NULL REFERENCES signings (tx_hash),
  at_height INTEGER NOT NULL,
  code INTEGER,                     -- NULL: no answer came
  answer TEXT NOT NULL,
  sent_at TEXT NOT NULL
) STRICT;
INSERT INTO "broadcasts" VALUES(1,'9BFD1A1DF995D3FD340B5BC0647A4F83F578E02D0A3185A1596AAFDACABD4965',129,0,'','2026-01-02T12:10:30.000000Z');
CREATE TABLE cancellations (
  operation_id TEXT PRIMARY KEY REFERENCES operations (id),
  cancelled_at TEXT NOT NULL
) STRICT, WITHOUT ROWID;
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
INSERT INTO "channels" VALUES('alpha-1','transfer','channel-0','open','unordered','transfer','channel-0','connection-0','ics20-1');
INSERT INTO "channels" VALUES('beta-1','transfer','channel-0','open','unordered','transfer','channel-0','connection-0','ics20-1');
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
CREATE TABLE clients (
  chain TEXT NOT NULL,
  client TEXT NOT NULL,
  follows TEXT NOT NULL,
  trusting_seconds INTEGER,
  PRIMARY KEY (chain, client)
) STRICT, WITHOUT ROWID;
INSERT INTO "clients" VALUES('alpha-1','07-tendermint-0','beta-1',1209600);
INSERT INTO "clients" VALUES('beta-1','07-tendermint-0','alpha-1',1209600);
CREATE TABLE connections (
  chain TEXT NOT NULL,
  connection TEXT NOT NULL,
  state TEXT NOT NULL,
  client TEXT NOT NULL,
  counterparty_connection TEXT NOT NULL,
  counterparty_client TEXT NOT NULL,
  PRIMARY KEY (chain, connection)
) STRICT, WITHOUT ROWID;
INSERT INTO "connections" VALUES('alpha-1','connection-0','open','07-tendermint-0','connection-0','07-tendermint-0');
INSERT INTO "connections" VALUES('beta-1','connection-0','open','07-tendermint-0','connection-0','07-tendermint-0');
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
INSERT INTO "cursors" VALUES('alpha-1','alpha1erswn20cc3ppdaukaa7k8dt33uzjl63wxwcdxw',2,'{"stake":"10000000"}',130,'2026-01-02T12:10:30.000000Z','{"stake":"13378125"}','2026-01-02T12:10:40.000000Z',NULL,NULL);
CREATE TABLE denoms (
  chain TEXT NOT NULL,
  denom TEXT NOT NULL,
  hops TEXT NOT NULL,
  base TEXT NOT NULL,
  PRIMARY KEY (chain, denom)
) STRICT, WITHOUT ROWID;
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
CREATE TABLE ends (
  id INTEGER PRIMARY KEY,
  chain TEXT NOT NULL,
  port TEXT NOT NULL,
  channel TEXT NOT NULL,
  UNIQUE (chain, port, channel)
) STRICT;
INSERT INTO "ends" VALUES(1,'alpha-1','transfer','channel-0');
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
INSERT INTO "entries" VALUES(1,'alpha-1','stake','opening','alpha1erswn20cc3ppdaukaa7k8dt33uzjl63wxwcdxw at 2',NULL,'2026-01-02T12:00:10.000000Z');
INSERT INTO "entries" VALUES(2,'alpha-1','stake','payment','F4B6570BF54D782D30B27EDDBC3CD3DBB0037144629DD4D8438AD0BC893AC314/0','3f1efc0510e67132','2026-01-02T12:10:20.000000Z');
INSERT INTO "entries" VALUES(3,'alpha-1','stake','payment','F1BDF8D1A5F7EF22A508FA30653EE9861E3297DA4FF5F04EAD59B8421D46BE2F/0','6a02de041d4b0e5c','2026-01-02T12:10:30.000000Z');
INSERT INTO "entries" VALUES(4,'alpha-1','stake','owed','F1BDF8D1A5F7EF22A508FA30653EE9861E3297DA4FF5F04EAD59B8421D46BE2F/0 1','6a02de041d4b0e5c','2026-01-02T12:10:30.000000Z');
INSERT INTO "entries" VALUES(5,'alpha-1','stake','payment','639D776D079B22FAECBAEDA19AAEA859FDD0CBE4C4B8FF649E85300553C78905/0','fc1ed001e3028fb3','2026-01-02T12:10:40.000000Z');
CREATE TABLE gap_acceptances (
  gap_id INTEGER PRIMARY KEY REFERENCES gaps (id),
  who TEXT NOT NULL CHECK (who <> ''),
  reason TEXT NOT NULL CHECK (reason <> ''),
  accepted_at TEXT NOT NULL
) STRICT;
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
INSERT INTO "history" VALUES(1,'2026-01-02T12:00:10.000000Z','watch','reading_began',NULL,NULL,NULL,'alpha-1','{"height":2,"payee":"alpha1erswn20cc3ppdaukaa7k8dt33uzjl63wxwcdxw"}');
INSERT INTO "history" VALUES(2,'2026-01-02T12:10:10.000000Z','ada','token_created','3f1efc0510e67132',NULL,'alpha1sfcrg2ah6dy2c96ezdtdmtyp3wup9ytsnn8wc0',NULL,'{"token":"rc104zhxz0523k72cpdr2qd3eqmnpv0tk0","price":"1109375stake","waived":null}');
INSERT INTO "history" VALUES(3,'2026-01-02T12:10:10.000000Z','ada','token_created','6a02de041d4b0e5c',NULL,'alpha1sfcrg2ah6dy2c96ezdtdmtyp3wup9ytsnn8wc0',NULL,'{"token":"rc105n05qg43n5gwq50jfjzcr2162xh0br","price":"1109375stake","waived":null}');
INSERT INTO "history" VALUES(4,'2026-01-02T12:10:10.000000Z','ada','token_created','fc1ed001e3028fb3',NULL,'alpha1sfcrg2ah6dy2c96ezdtdmtyp3wup9ytsnn8wc0',NULL,'{"token":"rc107y1xm01wc18zcs0s5tss797vca6jpg","price":"1109375stake","waived":null}');
INSERT INTO "history" VALUES(5,'2026-01-02T12:10:20.000000Z','watch','payment','3f1efc0510e67132',NULL,'alpha133rddu5nvwhf5aj8rjtu49uk7drygt9wpc0ene','alpha-1/F4B6570BF54D782D30B27EDDBC3CD3DBB0037144629DD4D8438AD0BC893AC314/0/stake','{"denom":"stake","amount":"1109375","height":126,"standing":"payment","why":null}');
INSERT INTO "history" VALUES(6,'2026-01-02T12:10:20.000000Z','watch','token_state','3f1efc0510e67132',NULL,NULL,NULL,'{"state":"paid"}');
INSERT INTO "history" VALUES(7,'2026-01-02T12:10:20.000000Z','watch','operation_added','3f1efc0510e67132','op-b6da9fc109',NULL,NULL,'{}');
INSERT INTO "history" VALUES(8,'2026-01-02T12:10:20.000000Z','watch','work_started','3f1efc0510e67132','op-b6da9fc109',NULL,NULL,'{"honoured_late":false}');
INSERT INTO "history" VALUES(9,'2026-01-02T12:10:20.000000Z','watch','attempt','3f1efc0510e67132','op-b6da9fc109',NULL,NULL,'{"attempt":1,"packets":"1","channel":"alpha-1/channel-0"}');
INSERT INTO "history" VALUES(10,'2026-01-02T12:10:30.000000Z','watch','payment','6a02de041d4b0e5c',NULL,'alpha1tvxllwte5v3edwaae8sgjzmjxtrsje2vnuyaug','alpha-1/F1BDF8D1A5F7EF22A508FA30653EE9861E3297DA4FF5F04EAD59B8421D46BE2F/0/stake','{"denom":"stake","amount":"1159375","height":128,"standing":"payment","why":null}');
INSERT INTO "history" VALUES(11,'2026-01-02T12:10:30.000000Z','watch','token_state','6a02de041d4b0e5c',NULL,NULL,NULL,'{"state":"paid"}');
INSERT INTO "history" VALUES(12,'2026-01-02T12:10:30.000000Z','rules','refund_approved','6a02de041d4b0e5c',NULL,'alpha1tvxllwte5v3edwaae8sgjzmjxtrsje2vnuyaug','refund tdtjn9y9zrfxzg9n2zebdpbd','{"amount":"45000","denom":"stake","cause":"excess","why":"within the caps"}');
INSERT INTO "history" VALUES(13,'2026-01-02T12:10:30.000000Z','rules','refund_signed','6a02de041d4b0e5c',NULL,'alpha1tvxllwte5v3edwaae8sgjzmjxtrsje2vnuyaug','refund tdtjn9y9zrfxzg9n2zebdpbd','{"tx":"9BFD1A1DF995D3FD340B5BC0647A4F83F578E02D0A3185A1596AAFDACABD4965","sequence":3,"timeout_height":229}');
INSERT INTO "history" VALUES(14,'2026-01-02T12:10:40.000000Z','watch','payment','fc1ed001e3028fb3',NULL,'alpha133rddu5nvwhf5aj8rjtu49uk7drygt9wpc0ene','alpha-1/639D776D079B22FAECBAEDA19AAEA859FDD0CBE4C4B8FF649E85300553C78905/0/stake','{"denom":"stake","amount":"1109375","height":130,"standing":"payment","why":null}');
INSERT INTO "history" VALUES(15,'2026-01-02T12:10:40.000000Z','watch','token_state','fc1ed001e3028fb3',NULL,NULL,NULL,'{"state":"paid"}');
CREATE TABLE identity (
  name TEXT PRIMARY KEY CHECK (name <> ''),
  value TEXT NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO "identity" VALUES('instance','9b32b9624e3b54cc');
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
INSERT INTO "matches" VALUES('alpha-1','639D776D079B22FAECBAEDA19AAEA859FDD0CBE4C4B8FF649E85300553C78905',0,'stake','fc1ed001e3028fb3','memo','watch','','2026-01-02T12:10:40.000000Z');
INSERT INTO "matches" VALUES('alpha-1','F1BDF8D1A5F7EF22A508FA30653EE9861E3297DA4FF5F04EAD59B8421D46BE2F',0,'stake','6a02de041d4b0e5c','memo','watch','','2026-01-02T12:10:30.000000Z');
INSERT INTO "matches" VALUES('alpha-1','F4B6570BF54D782D30B27EDDBC3CD3DBB0037144629DD4D8438AD0BC893AC314',0,'stake','3f1efc0510e67132','memo','watch','','2026-01-02T12:10:20.000000Z');
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
CREATE TABLE open_operations (
  operation_id TEXT PRIMARY KEY REFERENCES operations (id)
) STRICT, WITHOUT ROWID;
INSERT INTO "open_operations" VALUES('op-b6da9fc109');
CREATE TABLE open_sales (
  order_id TEXT PRIMARY KEY REFERENCES tokens (order_id),
  chain TEXT NOT NULL,
  deadline_at TEXT NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO "open_sales" VALUES('3f1efc0510e67132','alpha-1','2026-01-02T12:30:10.000000Z');
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
INSERT INTO "operations" VALUES('op-b6da9fc109','2026-01-02T12:10:20.000000Z','alpha-1','transfer','channel-0','beta-1','transfer','channel-0','1');
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
INSERT INTO "packets" VALUES(1,1,X'91CE1CAF6154DF3E9C1EF560EE173082E762FF7B1EE08AA2A02818E3D665AB9F','beta-1','transfer','channel-0',X'7B22616D6F756E74223A2232303030222C2264656E6F6D223A22746F6B656E222C227265636569766572223A2262657461316D68657A6E6B65676E30717876366A6C3675386775636C37386C373864797870617A66663936222C2273656E646572223A22616C70686131736663726732616836647932633936657A6474646D74797033777570397974736E6E38776330227D','0','0','1767441610000000000','48DEFCD36E61B12C17FE7D289D8455AC5F0FEB2EACEC8F13A5683DDE40FD9BBF',4,'2026-01-02T12:00:10.000000Z');
INSERT INTO "packets" VALUES(1,2,X'91CE1CAF6154DF3E9C1EF560EE173082E762FF7B1EE08AA2A02818E3D665AB9F','beta-1','transfer','channel-0',X'7B22616D6F756E74223A2232303030222C2264656E6F6D223A22746F6B656E222C227265636569766572223A2262657461316D68657A6E6B65676E30717876366A6C3675386775636C37386C373864797870617A66663936222C2273656E646572223A22616C70686131736663726732616836647932633936657A6474646D74797033777570397974736E6E38776330227D','0','0','1767441610000000000','7DA1A5686036B835251CAAE7199F1799B1B888B28D22561B7DD41F269DC251A3',5,'2026-01-02T12:00:10.001000Z');
INSERT INTO "packets" VALUES(1,3,X'91CE1CAF6154DF3E9C1EF560EE173082E762FF7B1EE08AA2A02818E3D665AB9F','beta-1','transfer','channel-0',X'7B22616D6F756E74223A2232303030222C2264656E6F6D223A22746F6B656E222C227265636569766572223A2262657461316D68657A6E6B65676E30717876366A6C3675386775636C37386C373864797870617A66663936222C2273656E646572223A22616C70686131736663726732616836647932633936657A6474646D74797033777570397974736E6E38776330227D','0','0','1767441610000000000','A8499A5E2F23B381777AD1F20B8B255B67CD69122B54DFE58E8E648AA8713179',6,'2026-01-02T12:00:10.002000Z');
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
INSERT INTO "packets_before" VALUES('op-b6da9fc109',1,1,0,'stuck',X'91CE1CAF6154DF3E9C1EF560EE173082E762FF7B1EE08AA2A02818E3D665AB9F','{"alpha-1":127,"beta-1":125}',NULL);
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
CREATE TABLE past_token_states (
  id INTEGER PRIMARY KEY,
  order_id TEXT NOT NULL REFERENCES tokens (order_id),
  state TEXT NOT NULL,
  since TEXT NOT NULL,
  until TEXT NOT NULL,
  magnitude INTEGER NOT NULL
) STRICT;
INSERT INTO "past_token_states" VALUES(1,'3f1efc0510e67132','open','2026-01-02T12:10:10.000000Z','2026-01-02T12:10:20.000000Z',4);
INSERT INTO "past_token_states" VALUES(2,'6a02de041d4b0e5c','open','2026-01-02T12:10:10.000000Z','2026-01-02T12:10:30.000000Z',5);
INSERT INTO "past_token_states" VALUES(3,'fc1ed001e3028fb3','open','2026-01-02T12:10:10.000000Z','2026-01-02T12:10:40.000000Z',5);
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
INSERT INTO "payments" VALUES('alpha-1','639D776D079B22FAECBAEDA19AAEA859FDD0CBE4C4B8FF649E85300553C78905',0,'stake','alpha1erswn20cc3ppdaukaa7k8dt33uzjl63wxwcdxw','1109375',130,'2026-01-02T12:10:30.000000Z','send','alpha133rddu5nvwhf5aj8rjtu49uk7drygt9wpc0ene',1,'rc107y1xm01wc18zcs0s5tss797vca6jpg','',NULL,NULL,1,'2026-01-02T12:10:40.000000Z');
INSERT INTO "payments" VALUES('alpha-1','F1BDF8D1A5F7EF22A508FA30653EE9861E3297DA4FF5F04EAD59B8421D46BE2F',0,'stake','alpha1erswn20cc3ppdaukaa7k8dt33uzjl63wxwcdxw','1159375',128,'2026-01-02T12:10:20.000000Z','send','alpha1tvxllwte5v3edwaae8sgjzmjxtrsje2vnuyaug',1,'rc105n05qg43n5gwq50jfjzcr2162xh0br','',NULL,NULL,1,'2026-01-02T12:10:30.000000Z');
INSERT INTO "payments" VALUES('alpha-1','F4B6570BF54D782D30B27EDDBC3CD3DBB0037144629DD4D8438AD0BC893AC314',0,'stake','alpha1erswn20cc3ppdaukaa7k8dt33uzjl63wxwcdxw','1109375',126,'2026-01-02T12:10:10.000000Z','send','alpha133rddu5nvwhf5aj8rjtu49uk7drygt9wpc0ene',1,'rc104zhxz0523k72cpdr2qd3eqmnpv0tk0','',NULL,NULL,1,'2026-01-02T12:10:20.000000Z');
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
INSERT INTO "postings" VALUES(1,'balance','alpha-1','stake','10000000','10000000','2026-01-02T12:00:10.000000Z');
INSERT INTO "postings" VALUES(1,'opening','alpha-1','stake','10000000','10000000','2026-01-02T12:00:10.000000Z');
INSERT INTO "postings" VALUES(2,'balance','alpha-1','stake','1109375','11109375','2026-01-02T12:10:20.000000Z');
INSERT INTO "postings" VALUES(2,'held','alpha-1','stake','1109375','1109375','2026-01-02T12:10:20.000000Z');
INSERT INTO "postings" VALUES(2,'received','alpha-1','stake','1109375','1109375','2026-01-02T12:10:20.000000Z');
INSERT INTO "postings" VALUES(3,'balance','alpha-1','stake','1159375','12268750','2026-01-02T12:10:30.000000Z');
INSERT INTO "postings" VALUES(3,'held','alpha-1','stake','1159375','2268750','2026-01-02T12:10:30.000000Z');
INSERT INTO "postings" VALUES(3,'received','alpha-1','stake','1159375','2268750','2026-01-02T12:10:30.000000Z');
INSERT INTO "postings" VALUES(4,'held','alpha-1','stake','-50000','2218750','2026-01-02T12:10:30.000000Z');
INSERT INTO "postings" VALUES(4,'owed','alpha-1','stake','50000','50000','2026-01-02T12:10:30.000000Z');
INSERT INTO "postings" VALUES(5,'balance','alpha-1','stake','1109375','13378125','2026-01-02T12:10:40.000000Z');
INSERT INTO "postings" VALUES(5,'held','alpha-1','stake','1109375','3328125','2026-01-02T12:10:40.000000Z');
INSERT INTO "postings" VALUES(5,'received','alpha-1','stake','1109375','3378125','2026-01-02T12:10:40.000000Z');
CREATE TABLE readings (
  end_id INTEGER PRIMARY KEY REFERENCES ends (id),
  read_at TEXT,
  height INTEGER,
  failed_at TEXT,
  error TEXT
) STRICT;
INSERT INTO "readings" VALUES(1,'2026-01-02T12:10:20.000000Z',127,NULL,NULL);
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
INSERT INTO "refund_events" VALUES(1,'tdtjn9y9zrfxzg9n2zebdpbd','approved',NULL,NULL,'alpha1tvxllwte5v3edwaae8sgjzmjxtrsje2vnuyaug','rules','within the caps','{}','2026-01-02T12:10:30.000000Z');
CREATE TABLE refund_states (
  refund_id TEXT PRIMARY KEY REFERENCES refunds (id),
  state TEXT NOT NULL,
  since TEXT NOT NULL,
  chain TEXT NOT NULL,              -- these two are the refund's own
  made_at TEXT NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO "refund_states" VALUES('tdtjn9y9zrfxzg9n2zebdpbd','broadcast','2026-01-02T12:10:30.000000Z','alpha-1','2026-01-02T12:10:30.000000Z');
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
INSERT INTO "refunds" VALUES('tdtjn9y9zrfxzg9n2zebdpbd','alpha-1','F1BDF8D1A5F7EF22A508FA30653EE9861E3297DA4FF5F04EAD59B8421D46BE2F',0,'stake',1,'6a02de041d4b0e5c','alpha1erswn20cc3ppdaukaa7k8dt33uzjl63wxwcdxw','alpha1tvxllwte5v3edwaae8sgjzmjxtrsje2vnuyaug',NULL,NULL,'excess','[["excess","50000"]]','50000','5000',1,'2026-01-02T12:10:20.000000Z','2026-01-02T12:10:30.000000Z');
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
INSERT INTO "relay_marks" VALUES(1,'alpha-1','alpha18v3lkle3kms4rwhh2jwetw3cwa8ze5s7qrtt33','before',7,127,'op-b6da9fc109',1,'2026-01-02T12:10:20.000000Z');
INSERT INTO "relay_marks" VALUES(2,'beta-1','beta18v3lkle3kms4rwhh2jwetw3cwa8ze5s7mq97gf','before',7,125,'op-b6da9fc109',1,'2026-01-02T12:10:20.000000Z');
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
CREATE TABLE remembered (
  chain TEXT NOT NULL,
  name TEXT NOT NULL,
  value TEXT NOT NULL,
  PRIMARY KEY (chain, name)
) STRICT, WITHOUT ROWID;
INSERT INTO "remembered" VALUES('alpha-1','sold 3f1efc0510e67132','{"unit": null, "program": "simd", "gas_price": "0.001stake", "hops": {}}');
INSERT INTO "remembered" VALUES('alpha-1','sold 6a02de041d4b0e5c','{"unit": null, "program": "simd", "gas_price": "0.001stake", "hops": {}}');
INSERT INTO "remembered" VALUES('alpha-1','sold fc1ed001e3028fb3','{"unit": null, "program": "simd", "gas_price": "0.001stake", "hops": {}}');
CREATE TABLE requests (
  id INTEGER PRIMARY KEY,
  order_id TEXT NOT NULL REFERENCES tokens (order_id),
  word TEXT NOT NULL CHECK (word IN ('clear', 'retry', 'cancel')),
  who TEXT NOT NULL CHECK (who <> ''),
  why TEXT NOT NULL,
  asked_at TEXT NOT NULL
) STRICT;
CREATE TABLE revocations (
  order_id TEXT PRIMARY KEY REFERENCES tokens (order_id),
  revoked_at TEXT NOT NULL,
  who TEXT NOT NULL CHECK (who <> ''),
  why TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE sale_ends (
  order_id TEXT PRIMARY KEY REFERENCES tokens (order_id),
  ended_at TEXT NOT NULL,
  why TEXT NOT NULL
) STRICT, WITHOUT ROWID;
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
INSERT INTO "sale_starts" VALUES('3f1efc0510e67132','2026-01-02T12:10:20.000000Z','2026-01-02T12:10:10.000000Z','2026-01-02T12:30:10.000000Z','F4B6570BF54D782D30B27EDDBC3CD3DBB0037144629DD4D8438AD0BC893AC314',0,'stake');
CREATE TABLE sales (
  order_id TEXT PRIMARY KEY REFERENCES tokens (order_id),
  operation_id TEXT NOT NULL UNIQUE REFERENCES operations (id),
  made_at TEXT NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO "sales" VALUES('3f1efc0510e67132','op-b6da9fc109','2026-01-02T12:10:20.000000Z');
CREATE TABLE schema_versions (
  version INTEGER PRIMARY KEY, name TEXT NOT NULL, applied_at TEXT NOT NULL
) STRICT;
INSERT INTO "schema_versions" VALUES(1,'0001_ground','2026-11-26T12:41:52.033047+00:00');
INSERT INTO "schema_versions" VALUES(2,'0002_tasks','2026-11-26T12:41:52.039698+00:00');
INSERT INTO "schema_versions" VALUES(3,'0003_selling','2026-11-26T12:41:52.046400+00:00');
INSERT INTO "schema_versions" VALUES(4,'0004_refunds','2026-11-26T12:41:52.061386+00:00');
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
CREATE TABLE sightings (
  end_id INTEGER NOT NULL REFERENCES ends (id),
  first_sequence INTEGER NOT NULL CHECK (first_sequence >= 1),
  last_sequence INTEGER NOT NULL CHECK (last_sequence >= first_sequence),
  first_seen TEXT NOT NULL,
  first_height INTEGER NOT NULL,
  PRIMARY KEY (end_id, first_sequence)
) STRICT, WITHOUT ROWID;
INSERT INTO "sightings" VALUES(1,1,3,'2026-01-02T12:10:10.000000Z',125);
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
INSERT INTO "signings" VALUES('9BFD1A1DF995D3FD340B5BC0647A4F83F578E02D0A3185A1596AAFDACABD4965','tdtjn9y9zrfxzg9n2zebdpbd','alpha-1','alpha1erswn20cc3ppdaukaa7k8dt33uzjl63wxwcdxw',3,229,129,'[{"denom":"stake","amount":"861"}]',86099,'CrgBCowBChwvY29zbW9zLmJhbmsudjFiZXRhMS5Nc2dTZW5kEmwKLGFscGhhMWVyc3duMjBjYzNwcGRhdWthYTdrOGR0MzN1empsNjN3eHdjZHh3EixhbHBoYTF0dnhsbHd0ZTV2M2Vkd2FhZThzZ2p6bWp4dHJzamUydm51eWF1ZxoOCgVzdGFrZRIFNDUwMDASJHJjMXI6dGR0am45eTl6cmZ4emc5bjJ6ZWJkcGJkIGV4Y2VzcxjlARJmClAKRgofL2Nvc21vcy5jcnlwdG8uc2VjcDI1NmsxLlB1YktleRIjCiECKwLRTeR75K/wg+yAm4kEe+FVtOv6dujAuLTPPMTUN7QSBAoCCAEYAxISCgwKBXN0YWtlEgM4NjEQ06AFGkAZe0MqKcCyXXJDwyVytWN3LSYk42E+1anK/BJsRdSq4nFmKUBsmAulpRk7XBAj7uPy7Z06LssyRkNj2u3OK5a/','2026-01-02T12:10:30.000000Z');
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
INSERT INTO "taken_back" VALUES('alpha-1','F1BDF8D1A5F7EF22A508FA30653EE9861E3297DA4FF5F04EAD59B8421D46BE2F',0,'stake','00000000000000000000000000000000000000000000000000000000000000000000000000050000','00000000000000000000000000000000000000000000000000000000000000000000000001159375');
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
INSERT INTO "tasks" VALUES(1,'paid','paid/3f1efc0510e67132','{"order_id":"3f1efc0510e67132"}',0,'ready',1767355820.0,1767355820.0,NULL,0,'13142:1013749:4026531836:39feafba50b92cb3',1767355850.0,'boot-1',0,0,'just begun',1767355820.0,NULL);
INSERT INTO "tasks" VALUES(2,'paid','paid/6a02de041d4b0e5c','{"order_id":"6a02de041d4b0e5c"}',0,'ready',1767355830.0,1767355830.0,NULL,0,NULL,NULL,NULL,0,0,NULL,1767355830.0,NULL);
INSERT INTO "tasks" VALUES(3,'paid','paid/fc1ed001e3028fb3','{"order_id":"fc1ed001e3028fb3"}',0,'ready',1767355840.0,1767355840.0,NULL,0,NULL,NULL,NULL,0,0,NULL,1767355840.0,NULL);
CREATE TABLE token_packets (
  order_id TEXT NOT NULL REFERENCES tokens (order_id),
  chain TEXT NOT NULL,
  port TEXT NOT NULL,
  channel TEXT NOT NULL,
  sequence INTEGER NOT NULL CHECK (sequence >= 1),
  PRIMARY KEY (order_id, chain, port, channel, sequence)
) STRICT, WITHOUT ROWID;
INSERT INTO "token_packets" VALUES('3f1efc0510e67132','alpha-1','transfer','channel-0',1);
INSERT INTO "token_packets" VALUES('6a02de041d4b0e5c','alpha-1','transfer','channel-0',2);
INSERT INTO "token_packets" VALUES('fc1ed001e3028fb3','alpha-1','transfer','channel-0',3);
CREATE TABLE token_states (
  order_id TEXT PRIMARY KEY REFERENCES tokens (order_id),
  state TEXT NOT NULL,
  since TEXT NOT NULL,
  chain TEXT NOT NULL,              -- these three are the token's own
  wallet TEXT NOT NULL,
  made_at TEXT NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO "token_states" VALUES('3f1efc0510e67132','clearing','2026-01-02T12:10:20.000000Z','alpha-1','alpha1sfcrg2ah6dy2c96ezdtdmtyp3wup9ytsnn8wc0','2026-01-02T12:10:10.000000Z');
INSERT INTO "token_states" VALUES('6a02de041d4b0e5c','paid','2026-01-02T12:10:30.000000Z','alpha-1','alpha1sfcrg2ah6dy2c96ezdtdmtyp3wup9ytsnn8wc0','2026-01-02T12:10:10.000000Z');
INSERT INTO "token_states" VALUES('fc1ed001e3028fb3','paid','2026-01-02T12:10:40.000000Z','alpha-1','alpha1sfcrg2ah6dy2c96ezdtdmtyp3wup9ytsnn8wc0','2026-01-02T12:10:10.000000Z');
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
INSERT INTO "tokens" VALUES('3f1efc0510e67132','rc104zhxz0523k72cpdr2qd3eqmnpv0tk0',1,'alpha-1','stake','alpha1erswn20cc3ppdaukaa7k8dt33uzjl63wxwcdxw','1109375','2026-01-02T12:10:05.000000Z','2026-01-02T13:10:05.000000Z','2026-01-03T13:10:05.000000Z','alpha1sfcrg2ah6dy2c96ezdtdmtyp3wup9ytsnn8wc0','issued','2026-01-02T12:10:10.000000Z','{"public_key":"eejE4bRIeLAzzTXsNXv7YUNSWmrYalN6+oB7TDSZZyI=","schema_version":1,"signature":"cexdXsOYv+p2EVL1Bg8hs1ZAbkWI3tFDZE2lE2tQmOCDQVG6Jk5qT5nPIV5nbspNNtnF+QOpb9tr8nWzStOnBg==","terms":{"breakdown":{"gas":[{"basis":{"relays":0,"source":"gas_per_message"},"chain":"alpha-1","charged":"3750","denom":"stake","price":"0.01","rate":null,"units":"250000"},{"basis":{"relays":0,"source":"gas_per_message"},"chain":"beta-1","charged":"5625","denom":"ubeta","price":"0.01","rate":["3","2"],"units":"250000"}],"gas_margin":"1.5","packet_fee":"100000","service_fee":"1000000","waived":null},"deadline_after_payment_seconds":1200,"expires_at":"2026-01-02T13:10:05Z","instance":"9b32b9624e3b54cc","issued_at":"2026-01-02T12:10:05Z","key_id":1,"late_grace_seconds":86400,"packets":[{"chain":"alpha-1","channel":"channel-0","expected":"delivered","otherwise":"returned_to_sender","port":"transfer","sequence":1,"share":{"amount":"1109375","denom":"stake"}}],"pay":{"amount":{"amount":"1109375","denom":"stake"},"chain":"alpha-1","to":"alpha1erswn20cc3ppdaukaa7k8dt33uzjl63wxwcdxw"},"refund":{"dust":"10000","fees":[{"amount":"5000","denom":"stake"},{"amount":"7000","denom":"token"}],"from_exchange":false,"to":null},"token":"rc104zhxz0523k72cpdr2qd3eqmnpv0tk0"}}
');
INSERT INTO "tokens" VALUES('6a02de041d4b0e5c','rc105n05qg43n5gwq50jfjzcr2162xh0br',1,'alpha-1','stake','alpha1erswn20cc3ppdaukaa7k8dt33uzjl63wxwcdxw','1109375','2026-01-02T12:10:05.000000Z','2026-01-02T13:10:05.000000Z','2026-01-03T13:10:05.000000Z','alpha1sfcrg2ah6dy2c96ezdtdmtyp3wup9ytsnn8wc0','issued','2026-01-02T12:10:10.000000Z','{"public_key":"eejE4bRIeLAzzTXsNXv7YUNSWmrYalN6+oB7TDSZZyI=","schema_version":1,"signature":"68dpbK4owRIzknyEcLHCNZFJZmNbiYlSkpCFb8HQ1/tpRDGN+yf/0d7IuHtVGV7Q/mUvRCDqc8kEne0eREZAAA==","terms":{"breakdown":{"gas":[{"basis":{"relays":0,"source":"gas_per_message"},"chain":"alpha-1","charged":"3750","denom":"stake","price":"0.01","rate":null,"units":"250000"},{"basis":{"relays":0,"source":"gas_per_message"},"chain":"beta-1","charged":"5625","denom":"ubeta","price":"0.01","rate":["3","2"],"units":"250000"}],"gas_margin":"1.5","packet_fee":"100000","service_fee":"1000000","waived":null},"deadline_after_payment_seconds":1200,"expires_at":"2026-01-02T13:10:05Z","instance":"9b32b9624e3b54cc","issued_at":"2026-01-02T12:10:05Z","key_id":1,"late_grace_seconds":86400,"packets":[{"chain":"alpha-1","channel":"channel-0","expected":"delivered","otherwise":"returned_to_sender","port":"transfer","sequence":2,"share":{"amount":"1109375","denom":"stake"}}],"pay":{"amount":{"amount":"1109375","denom":"stake"},"chain":"alpha-1","to":"alpha1erswn20cc3ppdaukaa7k8dt33uzjl63wxwcdxw"},"refund":{"dust":"10000","fees":[{"amount":"5000","denom":"stake"},{"amount":"7000","denom":"token"}],"from_exchange":false,"to":null},"token":"rc105n05qg43n5gwq50jfjzcr2162xh0br"}}
');
INSERT INTO "tokens" VALUES('fc1ed001e3028fb3','rc107y1xm01wc18zcs0s5tss797vca6jpg',1,'alpha-1','stake','alpha1erswn20cc3ppdaukaa7k8dt33uzjl63wxwcdxw','1109375','2026-01-02T12:10:05.000000Z','2026-01-02T13:10:05.000000Z','2026-01-03T13:10:05.000000Z','alpha1sfcrg2ah6dy2c96ezdtdmtyp3wup9ytsnn8wc0','issued','2026-01-02T12:10:10.000000Z','{"public_key":"eejE4bRIeLAzzTXsNXv7YUNSWmrYalN6+oB7TDSZZyI=","schema_version":1,"signature":"nQxlMB+CIheea8UZlSP0XC0CPb7Jya8xOnJ6TdkblCCxs0Kr6tWHY52S8v2Ibussw+CXyCmYZGmo5sAVsD+/Cg==","terms":{"breakdown":{"gas":[{"basis":{"relays":0,"source":"gas_per_message"},"chain":"alpha-1","charged":"3750","denom":"stake","price":"0.01","rate":null,"units":"250000"},{"basis":{"relays":0,"source":"gas_per_message"},"chain":"beta-1","charged":"5625","denom":"ubeta","price":"0.01","rate":["3","2"],"units":"250000"}],"gas_margin":"1.5","packet_fee":"100000","service_fee":"1000000","waived":null},"deadline_after_payment_seconds":1200,"expires_at":"2026-01-02T13:10:05Z","instance":"9b32b9624e3b54cc","issued_at":"2026-01-02T12:10:05Z","key_id":1,"late_grace_seconds":86400,"packets":[{"chain":"alpha-1","channel":"channel-0","expected":"delivered","otherwise":"returned_to_sender","port":"transfer","sequence":3,"share":{"amount":"1109375","denom":"stake"}}],"pay":{"amount":{"amount":"1109375","denom":"stake"},"chain":"alpha-1","to":"alpha1erswn20cc3ppdaukaa7k8dt33uzjl63wxwcdxw"},"refund":{"dust":"10000","fees":[{"amount":"5000","denom":"stake"},{"amount":"7000","denom":"token"}],"from_exchange":false,"to":null},"token":"rc107y1xm01wc18zcs0s5tss797vca6jpg"}}
');
CREATE TABLE topologies (
  chain TEXT PRIMARY KEY,
  next_key BLOB,
  read_at TEXT,
  channel_count INTEGER
) STRICT;
INSERT INTO "topologies" VALUES('alpha-1',NULL,'2026-01-02T12:10:10.000000Z',1);
INSERT INTO "topologies" VALUES('beta-1',NULL,'2026-01-02T12:10:10.000000Z',1);
CREATE TABLE totals (
  chain TEXT NOT NULL,
  denom TEXT NOT NULL,
  account TEXT NOT NULL,
  amount TEXT NOT NULL CHECK (amount <> ''),
  entry_id INTEGER NOT NULL REFERENCES entries (id),
  PRIMARY KEY (chain, denom, account)
) STRICT, WITHOUT ROWID;
INSERT INTO "totals" VALUES('alpha-1','stake','balance','13378125',5);
INSERT INTO "totals" VALUES('alpha-1','stake','held','3328125',5);
INSERT INTO "totals" VALUES('alpha-1','stake','opening','10000000',1);
INSERT INTO "totals" VALUES('alpha-1','stake','owed','50000',4);
INSERT INTO "totals" VALUES('alpha-1','stake','received','3378125',5);
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
CREATE TABLE unexplained (
  chain TEXT NOT NULL,
  address TEXT NOT NULL,
  sequence INTEGER NOT NULL,
  PRIMARY KEY (chain, address, sequence),
  FOREIGN KEY (chain, address, sequence) REFERENCES sequence_uses (chain, address, sequence)
) STRICT, WITHOUT ROWID;
CREATE TABLE unread_costs (
  operation_id TEXT NOT NULL,
  attempt INTEGER NOT NULL,
  chain TEXT NOT NULL,
  PRIMARY KEY (operation_id, attempt, chain),
  FOREIGN KEY (operation_id, attempt) REFERENCES attempts (operation_id, number)
) STRICT, WITHOUT ROWID;
INSERT INTO "unread_costs" VALUES('op-b6da9fc109',1,'alpha-1');
INSERT INTO "unread_costs" VALUES('op-b6da9fc109',1,'beta-1');
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
CREATE TABLE wallet_begins (
  chain TEXT NOT NULL,
  address TEXT NOT NULL,
  sequence INTEGER NOT NULL,
  height INTEGER NOT NULL,
  PRIMARY KEY (chain, address)
) STRICT, WITHOUT ROWID;
INSERT INTO "wallet_begins" VALUES('alpha-1','alpha1erswn20cc3ppdaukaa7k8dt33uzjl63wxwcdxw',3,2);
CREATE TABLE watchers (
  role TEXT PRIMARY KEY,
  pid INTEGER NOT NULL,
  started_at TEXT NOT NULL,
  beat_at TEXT NOT NULL,
  doing TEXT NOT NULL               -- JSON
) STRICT, WITHOUT ROWID;
CREATE INDEX past_sightings_by_end ON past_sightings (end_id, gone_at);
CREATE INDEX channels_by_connection ON channels (chain, connection);
CREATE INDEX connections_by_client ON connections (chain, client);
CREATE INDEX clients_by_follows ON clients (chain, follows);
CREATE INDEX operations_by_time ON operations (requested_at, id);
CREATE INDEX packets_before_by_sequence ON packets_before (sequence, operation_id);
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
CREATE TRIGGER mutes_stay BEFORE UPDATE ON mutes
WHEN old.ended_at IS NOT NULL OR new.ended_at IS NULL OR new.id <> old.id
  OR new.chain <> old.chain OR new.port <> old.port OR new.channel <> old.channel
  OR new.sequences IS NOT old.sequences OR new.reason <> old.reason
  OR new.classes <> old.classes OR new.muted_at <> old.muted_at OR new.until IS NOT old.until
BEGIN SELECT RAISE(ABORT, 'a mute only ends, once'); END;
CREATE TRIGGER mutes_last BEFORE DELETE ON mutes
BEGIN SELECT RAISE(ABORT, 'a mute is never deleted'); END;
CREATE INDEX tasks_by_rank ON tasks (rank) WHERE status = 'ready' AND lease IS NULL;
CREATE INDEX tasks_by_run_at ON tasks (run_at) WHERE status = 'ready' AND lease IS NULL;
CREATE INDEX tasks_by_planned_at ON tasks (planned_at) WHERE status = 'ready' AND lease IS NULL;
CREATE INDEX tasks_claimed ON tasks (lease_until) WHERE lease IS NOT NULL;
CREATE INDEX tasks_dead ON tasks (ended_at) WHERE status = 'dead';
CREATE INDEX tasks_done ON tasks (ended_at) WHERE status = 'done';
CREATE INDEX operations_by_chain ON operations (source_chain, requested_at, id);
CREATE INDEX operations_by_channel ON operations (source_chain, source_port, source_channel, requested_at, id);
CREATE INDEX tokens_by_time ON tokens (made_at, order_id);
CREATE INDEX tokens_by_chain ON tokens (chain, made_at, order_id);
CREATE INDEX tokens_by_wallet ON tokens (wallet, made_at, order_id);
CREATE INDEX tokens_by_wallet_expiry ON tokens (wallet, expires_at);
CREATE INDEX tokens_by_expiry ON tokens (chain, payee, expires_at);
CREATE INDEX tokens_by_key ON tokens (kid, made_at);
CREATE INDEX token_packets_by_packet ON token_packets (chain, port, channel, sequence);
CREATE INDEX token_states_by_state ON token_states (state, made_at, order_id, since);
CREATE INDEX token_states_by_chain ON token_states (state, chain, made_at, order_id, since);
CREATE INDEX token_states_by_wallet ON token_states (state, wallet, made_at, order_id, since);
CREATE INDEX past_token_states_by_token ON past_token_states (order_id, since);
CREATE INDEX past_token_states_by_end ON past_token_states (until);
CREATE INDEX past_token_states_by_time ON past_token_states (state, magnitude, since, until, order_id);
CREATE INDEX payments_by_tx ON payments (tx_hash, chain, ordinal, denom);
CREATE INDEX payments_by_time ON payments (included_at, tx_hash, ordinal, denom);
CREATE INDEX payments_by_chain ON payments (chain, included_at, tx_hash, ordinal, denom);
CREATE INDEX payments_by_sender ON payments (sender, included_at, tx_hash, ordinal, denom);
CREATE INDEX matches_by_token ON matches (order_id);
CREATE INDEX orphans_by_kind ON orphans (kind, included_at, tx_hash, ordinal, denom);
CREATE INDEX orphans_by_chain ON orphans (kind, chain, included_at, tx_hash, ordinal, denom);
CREATE INDEX open_sales_by_deadline ON open_sales (chain, deadline_at);
CREATE UNIQUE INDEX verdicts_earned ON verdicts (chain, port, channel, sequence) WHERE result = 'earned';
CREATE INDEX requests_by_token ON requests (order_id, id);
CREATE INDEX entries_by_token ON entries (order_id, id);
CREATE INDEX postings_by_account ON postings (chain, denom, account, booked_at, entry_id, total);
CREATE INDEX history_by_time ON history (happened_at, id);
CREATE INDEX history_by_token ON history (order_id, happened_at, id);
CREATE INDEX history_by_operation ON history (operation_id, happened_at, id);
CREATE INDEX history_by_wallet ON history (wallet, happened_at, id);
CREATE INDEX history_by_subject ON history (subject, happened_at, id);
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
CREATE INDEX dues_by_token ON dues (order_id, since);
CREATE INDEX dues_by_time ON dues (since, chain, tx_hash, ordinal, denom, order_id);
CREATE INDEX refunds_by_token ON refunds (order_id, made_at, id);
CREATE INDEX refunds_by_time ON refunds (made_at, id);
CREATE INDEX refunds_by_themselves ON refunds (chain, denom, read_through_time) WHERE by_itself = 1;
CREATE INDEX refund_events_by_tx ON refund_events (tx_hash, word, refund_id);
CREATE INDEX refund_events_by_refund ON refund_events (refund_id, id);
CREATE UNIQUE INDEX refund_events_paid ON refund_events (tx_hash, recipient, output)
  WHERE word IN ('paid_by_hand', 'confirmed');
CREATE INDEX refund_states_by_state ON refund_states (state, made_at, refund_id);
CREATE INDEX refund_states_by_chain ON refund_states (chain, state, since, refund_id);
CREATE INDEX signings_by_refund ON signings (refund_id, signed_at);
CREATE INDEX signings_by_sequence ON signings (chain, address, sequence, signed_at);
CREATE INDEX broadcasts_by_tx ON broadcasts (tx_hash, id);
CREATE UNIQUE INDEX sequence_uses_by_tx ON sequence_uses (tx_hash, chain, address);
CREATE INDEX claims_by_refund ON claims (refund_id, id);
CREATE INDEX auto_stops_by_chain ON auto_stops (chain, id);
CREATE INDEX relay_marks_by_account ON relay_marks (chain, address, moment, id);
CREATE INDEX relay_costs_by_operation ON relay_costs (operation_id, attempt, chain, sequence);
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
CREATE TRIGGER taken_back_begin BEFORE INSERT ON taken_back
WHEN NEW.most <> (SELECT substr('00000000000000000000000000000000000000000000000000000000000000000000000000000000' || amount, -80) FROM payments WHERE chain = NEW.chain
  AND tx_hash = NEW.tx_hash AND ordinal = NEW.ordinal AND denom = NEW.denom)
BEGIN SELECT RAISE(ABORT, 'more would go back of a payment than came'); END;
CREATE TRIGGER taken_back_most BEFORE UPDATE OF most ON taken_back
BEGIN SELECT RAISE(ABORT, 'what came is never changed'); END;
CREATE TRIGGER taken_back_last BEFORE DELETE ON taken_back
BEGIN SELECT RAISE(ABORT, 'what went back is never forgotten'); END;
COMMIT;
