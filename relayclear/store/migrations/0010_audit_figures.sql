-- What the last whole audit of each chain compared: for a screen, which shows figures and not only whether they agree.
--
-- `told` is JSON, amounts as text: {"figures": {denom: [by the books, on the chain]},
--   "findings": [[flaw, denom, what, booked, found]]}, of the findings the first ones alone.  Empty for an audit
--   that an older program made.
--
-- May be forgotten at any time: the next audit tells it again.

ALTER TABLE audits ADD COLUMN told TEXT NOT NULL DEFAULT '{}';
