-- Documents and claims (PgDocuments). Ids and values are compared as bytes, in which a database of UTF8 agrees with every other store of them.
-- `json`, not `jsonb`: what was written is read back as it was, numbers of any length among it, and it can be looked into with SQL.
CREATE TABLE documents (
    collection text COLLATE "C" NOT NULL,
    id text COLLATE "C" NOT NULL,
    version bigint NOT NULL CHECK (version > 0),
    json json NOT NULL,
    PRIMARY KEY (collection, id));

CREATE TABLE claims (
    scope text COLLATE "C" NOT NULL,
    value text COLLATE "C" NOT NULL,
    owner text COLLATE "C" NOT NULL,
    PRIMARY KEY (scope, value));
