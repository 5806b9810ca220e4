-- Logs, events, records and the journal. One row of `journal_head` is what all nodes write under: its lock gives everything one order.
CREATE TABLE journal_head (
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    epoch text NOT NULL,
    n bigint NOT NULL,      -- the last batch
    told bigint NOT NULL,   -- the last batch that did something to a log
    bytes bigint NOT NULL,  -- of all that the journal ever told
    logs bigint NOT NULL    -- the last id that a log was given
) WITH (fillfactor = 10);
INSERT INTO journal_head (epoch, n, told, bytes, logs) VALUES (substr(md5(random()::text || clock_timestamp()::text), 1, 6), 0, 0, 0, 0);

-- A log that was dropped keeps its row, under another id and epoch: a node that knows it and one that does not agree on its next life.
-- Room in the page, so that a new head needs no new entry of the index.
CREATE TABLE logs (
    name text COLLATE "C" PRIMARY KEY, id bigint NOT NULL, epoch text NOT NULL, head bigint NOT NULL, first bigint NOT NULL, last_at bigint NOT NULL
) WITH (fillfactor = 50);

-- Times are milliseconds since 1970. The author is UTF-8 in bytes, for a text may not have a NUL in it.
CREATE TABLE events (
    log_id bigint NOT NULL, seq bigint NOT NULL, at bigint NOT NULL, author bytea NOT NULL, key uuid, body bytea NOT NULL,
    changed_by bigint NOT NULL DEFAULT 0, changed_at bigint NOT NULL DEFAULT 0, PRIMARY KEY (log_id, seq));

-- What is remembered of ids. The key is the beginning of a hash of log, author and id; a row of another life of the log counts for nothing.
CREATE TABLE event_ids (key uuid PRIMARY KEY, log_id bigint NOT NULL, hash uuid NOT NULL, seq bigint NOT NULL, at bigint NOT NULL);

CREATE TABLE records (key bytea PRIMARY KEY, value bytea NOT NULL);

-- What each batch did to logs, for followers; and by the batch's own number a node learns whether it was written.
CREATE TABLE journal (n bigint PRIMARY KEY, node text NOT NULL, batch uuid NOT NULL, at bigint NOT NULL, bytes bigint NOT NULL, changes bytea NOT NULL);
CREATE TABLE journal_start (one boolean PRIMARY KEY DEFAULT true CHECK (one), trimmed bigint NOT NULL);
INSERT INTO journal_start (trimmed) VALUES (0);

-- The same with all that other nodes take over, for those that were not brought it: kept for two minutes.
CREATE TABLE feed (n bigint PRIMARY KEY, at timestamptz NOT NULL DEFAULT clock_timestamp(), payload bytea NOT NULL);

-- Events that were truncated or dropped and are still to be deleted: from `next` on, below `below`.
CREATE TABLE clearings (log_id bigint PRIMARY KEY, next bigint NOT NULL, below bigint NOT NULL);
-- Ids of events up to this seq were looked at and, as far as they may go, are gone.
CREATE TABLE swept (log_id bigint PRIMARY KEY, seq bigint NOT NULL);
