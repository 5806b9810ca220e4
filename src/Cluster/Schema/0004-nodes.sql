-- The nodes of a house. A node renews its row each half second while it lives; `dead` is the fence: such a node writes nothing any more.
CREATE TABLE nodes (
  name text PRIMARY KEY, address text NOT NULL, version text NOT NULL, state text NOT NULL DEFAULT 'starting', dead boolean NOT NULL DEFAULT false,
  started timestamptz NOT NULL DEFAULT clock_timestamp(), renewed timestamptz NOT NULL DEFAULT clock_timestamp()) WITH (fillfactor = 50);

-- Who has which duty, for those who ask. What decides is the advisory lock of its name.
CREATE TABLE duties (name text PRIMARY KEY, node text NOT NULL, since timestamptz NOT NULL DEFAULT clock_timestamp());

-- Membership of Orleans 10.4.2. Its provider runs the texts that stand in OrleansQuery, so plain single statements do.
-- Each conditional write changes the version and the row together or not at all.
CREATE TABLE OrleansQuery (QueryKey varchar(64) PRIMARY KEY, QueryText varchar(8000) NOT NULL);
CREATE TABLE OrleansMembershipVersionTable (DeploymentId varchar(150) PRIMARY KEY, Timestamp timestamptz NOT NULL DEFAULT now(), Version int NOT NULL DEFAULT 0);
CREATE TABLE OrleansMembershipTable (
  DeploymentId varchar(150) NOT NULL REFERENCES OrleansMembershipVersionTable, Address varchar(45) NOT NULL, Port int NOT NULL, Generation int NOT NULL,
  SiloName varchar(150) NOT NULL, HostName varchar(150) NOT NULL, Status int NOT NULL, ProxyPort int, SuspectTimes varchar(8000),
  StartTime timestamptz(3) NOT NULL, IAmAliveTime timestamptz(3) NOT NULL, PRIMARY KEY (DeploymentId, Address, Port, Generation));
INSERT INTO OrleansQuery VALUES
('InsertMembershipVersionKey', 'WITH i AS (INSERT INTO OrleansMembershipVersionTable (DeploymentId) VALUES (@DeploymentId) ON CONFLICT DO NOTHING RETURNING 1) SELECT count(*)::int FROM i'),
('UpdateIAmAlivetimeKey', 'UPDATE OrleansMembershipTable SET IAmAliveTime = @IAmAliveTime WHERE DeploymentId = @DeploymentId AND Address = @Address AND Port = @Port AND Generation = @Generation'),
('InsertMembershipKey', 'WITH v AS (UPDATE OrleansMembershipVersionTable SET Timestamp = now(), Version = Version + 1 WHERE DeploymentId = @DeploymentId AND Version = @Version
   AND NOT EXISTS (SELECT 1 FROM OrleansMembershipTable WHERE DeploymentId = @DeploymentId AND Address = @Address AND Port = @Port AND Generation = @Generation) RETURNING DeploymentId),
  m AS (INSERT INTO OrleansMembershipTable (DeploymentId, Address, Port, Generation, SiloName, HostName, Status, ProxyPort, StartTime, IAmAliveTime)
   SELECT DeploymentId, @Address, @Port, @Generation, @SiloName, @HostName, @Status, @ProxyPort, @StartTime, @IAmAliveTime FROM v RETURNING 1) SELECT count(*)::int FROM m'),
('UpdateMembershipKey', 'WITH v AS (UPDATE OrleansMembershipVersionTable SET Timestamp = now(), Version = Version + 1 WHERE DeploymentId = @DeploymentId AND Version = @Version
   AND EXISTS (SELECT 1 FROM OrleansMembershipTable WHERE DeploymentId = @DeploymentId AND Address = @Address AND Port = @Port AND Generation = @Generation) RETURNING DeploymentId),
  m AS (UPDATE OrleansMembershipTable t SET Status = @Status, SuspectTimes = @SuspectTimes, IAmAliveTime = GREATEST(t.IAmAliveTime, @IAmAliveTime) FROM v
   WHERE t.DeploymentId = v.DeploymentId AND Address = @Address AND Port = @Port AND Generation = @Generation RETURNING 1) SELECT count(*)::int FROM m'),
('MembershipReadRowKey', 'SELECT v.DeploymentId, m.Address, m.Port, m.Generation, m.SiloName, m.HostName, m.Status, m.ProxyPort, m.SuspectTimes, m.StartTime, m.IAmAliveTime, v.Version
  FROM OrleansMembershipVersionTable v LEFT JOIN OrleansMembershipTable m ON v.DeploymentId = m.DeploymentId AND Address = @Address AND Port = @Port AND Generation = @Generation WHERE v.DeploymentId = @DeploymentId'),
('MembershipReadAllKey', 'SELECT v.DeploymentId, m.Address, m.Port, m.Generation, m.SiloName, m.HostName, m.Status, m.ProxyPort, m.SuspectTimes, m.StartTime, m.IAmAliveTime, v.Version
  FROM OrleansMembershipVersionTable v LEFT JOIN OrleansMembershipTable m ON v.DeploymentId = m.DeploymentId WHERE v.DeploymentId = @DeploymentId'),
('DeleteMembershipTableEntriesKey', 'DELETE FROM OrleansMembershipTable WHERE DeploymentId = @DeploymentId; DELETE FROM OrleansMembershipVersionTable WHERE DeploymentId = @DeploymentId'),
('GatewaysQueryKey', 'SELECT Address, ProxyPort, Generation FROM OrleansMembershipTable WHERE DeploymentId = @DeploymentId AND Status = @Status AND ProxyPort > 0'),
('CleanupDefunctSiloEntriesKey', 'DELETE FROM OrleansMembershipTable WHERE DeploymentId = @DeploymentId AND IAmAliveTime < @IAmAliveTime AND StartTime < @IAmAliveTime AND Status = 6'),
('CleanupDefunctSiloEntryKey', 'DELETE FROM OrleansMembershipTable WHERE DeploymentId = @DeploymentId AND Status = 6 AND Address = @Address AND Port = @Port AND Generation = @Generation
  AND IAmAliveTime = @IAmAliveTime AND StartTime = @StartTime AND SuspectTimes IS NOT DISTINCT FROM @SuspectTimes');
