namespace WebMessenger.Storage.EventLog;

/// <summary>Bounds of the event log. The defaults suit a small machine; tests take smaller ones.</summary>
internal sealed record RocksEventLogOptions
{
    /// <summary>Most appends that share one sync.</summary>
    public int BatchCount { get; init; } = 1_024;

    /// <summary>
    /// A batch that holds this many bytes of bodies, replaced ones included, and of records is written without gathering more.
    /// </summary>
    public int BatchBytes { get; init; } = 4 << 20;

    /// <summary>An id is kept at least this long …</summary>
    public TimeSpan IdAge { get; init; } = TimeSpan.FromDays(7);

    /// <summary>… and as long as its event is among this many newest ones of its log.</summary>
    public int IdEvents { get; init; } = 10_000;

    /// <summary>What the journal tells is kept so long …</summary>
    public TimeSpan JournalAge { get; init; } = TimeSpan.FromDays(7);

    /// <summary>… and no more of it than this.</summary>
    public long JournalBytes { get; init; } = 256 << 20;

    /// <summary>Events that are truncated go from the disk in stretches of so many …</summary>
    public int TruncateStep { get; init; } = 1_000;

    /// <summary>… each of which is looked at in slices of so many, between which others write.</summary>
    public int TruncateSlice { get; init; } = 64;

    /// <summary>How often the logs are walked for ids that may go, and the journal is shortened.</summary>
    public TimeSpan SweepPeriod { get; init; } = TimeSpan.FromHours(1);

    /// <summary>One memtable; at most three of them are in memory.</summary>
    public int MemtableBytes { get; init; } = 16 << 20;

    /// <summary>Cache of blocks read from disk.</summary>
    public int BlockCacheBytes { get; init; } = 32 << 20;

    /// <summary>What there is to replay at the next start, at most.</summary>
    public int WalBytes { get; init; } = 64 << 20;

    /// <summary>Heads of logs that are kept in memory without being held open, each some 300 bytes.</summary>
    public int LogsInMemory { get; init; } = 10_000;

    /// <summary>Files of the store that are open at a time.</summary>
    public int OpenFiles { get; init; } = 256;
}
