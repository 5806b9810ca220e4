-- The search index (PgSearchIndex), which is derived from the logs: run again whenever it is made anew, so each part only if it is not there.
CREATE TABLE IF NOT EXISTS search_state (one boolean PRIMARY KEY DEFAULT true CHECK (one), identity text NOT NULL, applied bigint NOT NULL);

CREATE TABLE IF NOT EXISTS search_logs (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text COLLATE "C" NOT NULL UNIQUE);

-- at: ms since 1970. length: how many words there were. words: each once, folded, without places.
CREATE TABLE IF NOT EXISTS search_entries (
    log_id bigint NOT NULL,
    seq bigint NOT NULL,
    at bigint NOT NULL,
    length int NOT NULL,
    words tsvector NOT NULL,
    PRIMARY KEY (log_id, seq));

CREATE INDEX IF NOT EXISTS search_entries_at ON search_entries (at, log_id, seq);

-- With the log beside the words where the extension is to be had. What waits to be put into the index is read by each question: so little of it.
DO $$
BEGIN
    IF to_regclass('search_entries_words') IS NULL THEN
        BEGIN
            CREATE EXTENSION IF NOT EXISTS btree_gin;
            CREATE INDEX search_entries_words ON search_entries USING gin (log_id, words) WITH (gin_pending_list_limit = 256);
        EXCEPTION WHEN OTHERS THEN
            CREATE INDEX search_entries_words ON search_entries USING gin (words) WITH (gin_pending_list_limit = 256);
        END;
    END IF;
END $$;
