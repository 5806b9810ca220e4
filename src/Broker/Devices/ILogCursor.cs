namespace WebMessenger.Broker.Devices;

/// <summary>Whoever stands somewhere in a room's data log, and is owed what is after it: a client that is kept, or a group.</summary>
/// <remarks>Nothing in it blocks. The log calls it under its gate, but for <see cref="Stored"/>.</remarks>
internal interface ILogCursor
{
    /// <summary>The largest seq that it knows of; 0: none.</summary>
    long LargestSeq { get; }

    /// <summary>Of the log it needs nothing before this seq.</summary>
    long FirstNeeded { get; }

    /// <summary>The log is in memory.</summary>
    /// <param name="head">The newest seq that was given.</param>
    void Opened(long head);

    /// <summary>
    /// Entries up to a seq are not there any more. That it has missed some is handed to the store before they are taken out of it.
    /// </summary>
    /// <returns>Whether it was owed one of them.</returns>
    bool Trimmed(long last);

    /// <summary>What it is owed is on disk.</summary>
    void Stored();

    /// <summary>Completes when it is on disk where it is; fails with <see cref="IOException"/>.</summary>
    Task SaveAsync();
}
