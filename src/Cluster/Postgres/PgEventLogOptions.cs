namespace WebMessenger.Cluster.Postgres;

/// <summary>Bounds of the event log on PostgreSQL. Tests take smaller ones.</summary>
internal sealed record PgEventLogOptions
{
    /// <summary>Most appends that share one transaction.</summary>
    public int BatchCount { get; init; } = 1_024;

    /// <summary>
    /// A batch that holds this many bytes of bodies, replaced ones included, and of records is written without gathering more.
    /// </summary>
    public int BatchBytes { get; init; } = 4 << 20;

    /// <summary>A node that has written within it is taken to write on: where others do as well, it gathers while it waits for its
    /// turn.</summary>
    public TimeSpan WritesOnFor { get; init; } = TimeSpan.FromMilliseconds(20);

    /// <summary>An id is kept at least this long …</summary>
    public TimeSpan IdAge { get; init; } = TimeSpan.FromDays(7);

    /// <summary>… and as long as its event is among this many newest ones of its log.</summary>
    public int IdEvents { get; init; } = 10_000;

    /// <summary>What the journal tells is kept so long …</summary>
    public TimeSpan JournalAge { get; init; } = TimeSpan.FromDays(7);

    /// <summary>… and no more of it than this.</summary>
    public long JournalBytes { get; init; } = 256 << 20;

    /// <summary>What other nodes take over is kept so long for those that were not brought it.</summary>
    public TimeSpan FeedAge { get; init; } = TimeSpan.FromMinutes(2);

    /// <summary>Batches that are read of it at a time.</summary>
    public int FeedStep { get; init; } = 256;

    /// <summary>Bytes of batches that are kept for those who listen until they are there.</summary>
    public int KeptBytes { get; init; } = 64 << 20;

    /// <summary>Bytes that one call to another node brings.</summary>
    public int CallBytes { get; init; } = 1 << 20;

    /// <summary>Bytes that wait for one other node; beyond them it reads from the database.</summary>
    public int WaitingBytes { get; init; } = 16 << 20;

    /// <summary>Events that are truncated or dropped go from the database in steps of so many.</summary>
    public int ClearStep { get; init; } = 1_000;

    /// <summary>How often it is looked for ids that may go, and the journal is shortened.</summary>
    public TimeSpan SweepPeriod { get; init; } = TimeSpan.FromHours(1);

    /// <summary>Heads of logs that are kept in memory without being held open, each some 300 bytes.</summary>
    public int LogsInMemory { get; init; } = 10_000;

    /// <summary>Connections for reading.</summary>
    public int ReadConnections { get; init; } = ConnectionCounts.Reads;

    /// <summary>A read that was not answered so long fails, and its connection is given up. In whole seconds.</summary>
    public TimeSpan ReadPatience { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>
    /// The same of the writer: longer than PostgreSQL lets it wait for the journal (5 s), and work on a statement (6 s). In whole seconds.
    /// </summary>
    public TimeSpan WritePatience { get; init; } = TimeSpan.FromSeconds(7);

    /// <summary>What waits to be written is refused when the database was not there for so long.</summary>
    public TimeSpan Patience { get; init; } = TimeSpan.FromSeconds(5);
}
