namespace WebMessenger.Storage.Search;

/// <summary>The table of words that takes new entries, as it will be when the changes are written.</summary>
internal sealed class FtsTable(long number)
{
    /// <summary>As many short ones as are written anew in some 50 ms.</summary>
    private const int MostEntries = 20_000;

    /// <summary>Of words: long entries fill it sooner.</summary>
    private const long MostBytes = 4 * 1024 * 1024;

    public long Number { get; } = number;

    public long Entries { get; set; }

    public long Bytes { get; set; }

    public long Since { get; set; } = long.MaxValue;

    public long Until { get; set; } = long.MinValue;

    public bool IsFull => Entries >= MostEntries || Bytes >= MostBytes;
}

/// <summary>A stretch of one log in one table, as it will be when the changes are written.</summary>
/// <param name="log">Its number.</param>
/// <param name="first">Its first seq.</param>
internal sealed class FtsBlock(long log, long number, long first, long part)
{
    public long Log { get; } = log;

    public long Number { get; } = number;

    public long First { get; } = first;

    public long Part { get; } = part;

    /// <summary>From this seq on it has none.</summary>
    public long End { get; init; }

    public long Last { get; set; }

    public long Since { get; set; }

    public long Until { get; set; }
}
