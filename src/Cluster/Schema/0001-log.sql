-- Logs, events, records and the journal. One row of `journal_head` is what all nodes write under: its lock gives everything one order.
CREATE TABLE journal_head (one boolean PRIMARY KEY DEFAULT true CHECK (one), epoch text NOT NULL, n bigint NOT NULL) WITH (fillfactor = 10);
INSERT INTO journal_head (epoch, n) VALUES (substr(md5(random()::text || clock_timestamp()::text), 1, 6), 0);
