-- Which database this is (DatabaseLife): what is restored or taken over by a standby has the row of the former one, and tells by it that it is another.
CREATE TABLE database_life (
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    id uuid NOT NULL,
    system bigint NOT NULL,
    timeline bigint NOT NULL,
    database bigint NOT NULL,
    synchronous boolean NOT NULL,
    since timestamptz NOT NULL DEFAULT clock_timestamp());

-- How far a data folder was brought into this database (FolderMove). Without `finished` no node starts.
CREATE TABLE moves (
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    source uuid NOT NULL,
    started timestamptz NOT NULL DEFAULT clock_timestamp(),
    finished timestamptz,
    stage int NOT NULL DEFAULT 0,
    name text COLLATE "C" NOT NULL DEFAULT '',
    position bytea NOT NULL DEFAULT '',
    rows bigint NOT NULL DEFAULT 0);
