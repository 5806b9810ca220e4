namespace WebMessenger.Storage.EventLog;

/// <summary>What became of an append.</summary>
public enum AppendOutcome
{
    /// <summary>On disk under a new seq.</summary>
    Stored,

    /// <summary>
    /// The same author used this id with the same content before: <c>Seq</c> and <c>At</c> are the first one's. Nothing was written.
    /// </summary>
    Duplicate,

    /// <summary>The same author used this id with other content. Nothing was written.</summary>
    IdInUse,

    /// <summary>The store could not write. Nothing of it is durable, and it may be tried again.</summary>
    StoreFailed,

    /// <summary>
    /// The right it was handed over with has ended by the time of its number. Nothing was written, nor was its id looked up.
    /// </summary>
    RightEnded,

    /// <summary>Its id is new, and a rule forbids it, or what it refers to. Nothing was written.</summary>
    RuledOut,

    /// <summary>
    /// Its id is new, and something that it was conditional on is not so.
    /// Nothing was written: read anew, decide again, and perhaps append another.
    /// </summary>
    Conflict,
}

/// <summary>Names one log: a room's, one of the two of an account, or that of two who talk to each other.</summary>
public readonly record struct LogName
{
    private LogName(string value) => Value = value;

    /// <summary>
    /// `r/` and a room id, `u/` or `n/` and an account id, or `d/` and two account ids. At most 127 bytes of ASCII, without NUL.
    /// </summary>
    public string Value { get; }

    /// <summary>Of a room's log what <see cref="OfRoom"/> was given; null: it is not a room's.</summary>
    public string? RoomKey => Value.StartsWith("r/", StringComparison.Ordinal) ? Value[2..] : null;

    /// <summary>Of one of the two logs of an account its id; null: it is another's.</summary>
    public string? AccountId => Value.StartsWith("u/", StringComparison.Ordinal) || Value.StartsWith("n/", StringComparison.Ordinal) ? Value[2..] : null;

    public static LogName OfRoom(string room) => new("r/" + room);

    public static LogName OfAccount(string accountId) => new("u/" + accountId);

    /// <summary>Of what an account is told beside its own log.</summary>
    public static LogName OfNotices(string accountId) => new("n/" + accountId);

    /// <summary>Of what two accounts say to each other; both may be the same one.</summary>
    public static LogName OfConversation(string one, string other) =>
        string.CompareOrdinal(one, other) <= 0 ? new($"d/{one}/{other}") : new($"d/{other}/{one}");

    /// <summary>Of such a log the two accounts; null: it is none.</summary>
    public (string One, string Other)? Sides =>
        Value.StartsWith("d/", StringComparison.Ordinal) && Value.Split('/') is [_, var one, var other] ? (one, other) : null;

    /// <summary>A name read back from a store.</summary>
    internal static LogName Stored(ReadOnlySpan<byte> name) => new(System.Text.Encoding.ASCII.GetString(name));

    internal static LogName Stored(string name) => new(name);

    public override string ToString() => Value;
}

/// <summary>
/// One event on its way into a log. The log thread fills in the result and calls <see cref="Completed"/>.
/// </summary>
/// <param name="log">Which log.</param>
/// <param name="author">Account id of the author; the scope of <paramref name="id"/>.</param>
/// <param name="id">
/// The author's id for the event, at most 128 bytes of UTF-8, or null when there is none to be kept for idempotency.
/// </param>
/// <param name="contentHash">Hash of what the author sent; tells a repetition from another content under the same id.</param>
/// <param name="body">The event as the log keeps it: opaque bytes, not changed by anyone until completed.</param>
public abstract class PendingAppend(LogName log, string author, string? id, UInt128 contentHash, ReadOnlyMemory<byte> body)
{
    public LogName Log { get; } = log;

    public string Author { get; } = author;

    public string? Id { get; } = id;

    public UInt128 ContentHash { get; } = contentHash;

    public ReadOnlyMemory<byte> Body { get; } = body;

    /// <summary>
    /// Changes of records (<see cref="IRecords"/>) that are written in the very batch of the event, if and only if the event is stored.
    /// </summary>
    public IReadOnlyList<RecordChange> Changes { get; init; } = [];

    /// <summary>
    /// What must be so of records when the event gets its number;
    /// else it is a <see cref="AppendOutcome.Conflict"/>. Not asked of an id that is known.
    /// </summary>
    public IReadOnlyList<RecordCondition> Conditions { get; init; } = [];

    /// <summary>
    /// Bodies that take the place of those of earlier events of this log, each at most once,
    /// in the very batch of the event, if and only if the event is stored.
    /// One that is not there, or not there any more, makes the event a <see cref="AppendOutcome.Conflict"/>.
    /// </summary>
    public IReadOnlyList<Replacement> Replacements { get; init; } = [];

    /// <summary>
    /// Which earlier events must be there, and not have been changed, when the event gets its number;
    /// else it is a <see cref="AppendOutcome.Conflict"/>.
    /// </summary>
    public IReadOnlyList<EntryCondition> EntryConditions { get; init; } = [];

    /// <summary>
    /// Seq of an earlier event of this log that it is about and does not change: <see cref="MayReferTo"/> judges it. 0: none.
    /// </summary>
    public long RefersTo { get; init; }

    /// <summary>Entries of other logs that name the event, in its very batch, if and only if the event is stored.</summary>
    public IReadOnlyList<EventPointer> Pointers { get; init; } = [];

    /// <summary>When it was said, where it is taken over from another log; null: as it is stored. Never before the log's last.</summary>
    public DateTimeOffset? SaidAt { get; init; }

    public AppendOutcome Outcome { get; private set; }

    /// <summary>
    /// The event's number in its log: 1, 2, 3 …; valid for <see cref="AppendOutcome.Stored"/> and <see cref="AppendOutcome.Duplicate"/>.
    /// </summary>
    public long Seq { get; private set; }

    /// <summary>When it was stored, whole milliseconds, UTC; never before the previous event of the log.</summary>
    public DateTimeOffset At { get; private set; }

    /// <summary>The log's epoch under which <see cref="Seq"/> counts.</summary>
    public string Epoch { get; private set; } = "";

    /// <summary>
    /// Asked on the log's own thread, once or twice, as the event gets its number:
    /// whether its author still has the right that it was handed over with. A look at a field or two: must not block, and must not throw.
    /// </summary>
    protected internal virtual bool HasRight => true;

    /// <summary>
    /// Asked on the log's own thread, once, when the id is known to be new: whether the rules let it be stored.
    /// So an id that is there already is acknowledged whatever rule holds by now. Must not block, and must not throw.
    /// </summary>
    /// <param name="bytes">What it will take on disk, with its keys, its id and its records, before compression.</param>
    protected internal virtual bool MayBeStored(int bytes) => true;

    /// <summary>
    /// Asked on the log's own thread, once, when the id is known to be new and before <see cref="MayBeStored"/>: whether the event may
    /// be about the one that it refers to. "No" is <see cref="AppendOutcome.RuledOut"/>. Must not block, and must not throw.
    /// </summary>
    /// <param name="body">As it is just then, all that is before it in the log done; empty: there is no such event, or none any
    /// more.</param>
    protected internal virtual bool MayReferTo(ReadOnlySpan<byte> body) => true;

    /// <summary>
    /// What is handed over after it is judged only when it is completed: its <see cref="Completed"/> changes what
    /// <see cref="MayBeStored"/> of others asks.
    /// </summary>
    protected internal virtual bool EndsBatch => false;

    /// <summary>
    /// Called once, on the log's own thread, after the event is durable (or refused), in seq order within one log.
    /// Must hand the work on, not do it: it must not block, and must not throw.
    /// </summary>
    protected abstract void Completed();

    /// <summary>
    /// Called once, after <see cref="Completed"/> of all that was written together: wakes whoever does the work, who then finds all of it.
    /// </summary>
    /// <param name="mayWork">
    /// The log thread has nothing else to do:
    /// work that never blocks and is done in some ten microseconds may be done in place, which saves waking another thread.
    /// </param>
    internal virtual void Proceed(bool mayWork)
    {
        // Most have nobody to wake.
    }

    internal void Complete(AppendOutcome outcome, long seq = 0, DateTimeOffset at = default, string epoch = "")
    {
        (Outcome, Seq, At, Epoch) = (outcome, seq, at, epoch);
        Completed();
    }
}

/// <summary>One stored event. <see cref="Body"/> is a copy that the reader owns.</summary>
public readonly record struct LogEntry(long Seq, DateTimeOffset At, string Author, ReadOnlyMemory<byte> Body)
{
    /// <summary>The seq of the event that put <see cref="Body"/> in the place of an earlier one; 0: it is the first.</summary>
    public long ChangedBy { get; init; }

    /// <summary>When that was; the default when it never was.</summary>
    public DateTimeOffset ChangedAt { get; init; }
}

/// <summary>
/// A log's head: newest seq (0: empty), oldest seq kept (0: empty; one above the newest: all that it had was truncated), and epoch.
/// </summary>
public readonly record struct LogHead(string Epoch, long Head, long First);

/// <summary>A stretch of a log, oldest first, and the head at the time of reading.</summary>
public readonly record struct LogPage(LogHead Head, IReadOnlyList<LogEntry> Entries);

/// <summary>
/// The durable, ordered history of every room, conversation and account inbox.
/// </summary>
/// <remarks>
/// Contract, the same for every implementation (one suite of tests runs against each):
/// <list type="bullet">
/// <item>An append completes as <see cref="AppendOutcome.Stored"/> only once it is on disk (synced).</item>
/// <item>Within one log and epoch seq has no holes and no seq is given twice, also across crashes and failed writes.</item>
/// <item>An id is remembered per log and author for 7 days and as long as its event is among the log's newest 10,000;
/// an id in a batch still being written counts. Of an event that was truncated it is remembered for 7 days.</item>
/// <item>A stored body stays as it is until an append replaces it.
/// Then no read gives the earlier one any more, from the moment on when that append completes;
/// place, time, author and id stay, and the id is equal to any content: of what its author once sent nothing is told.</item>
/// <item>Where replacements or conditions make an append a conflict, nothing of it is written,
/// its id is not used up, and no other append is concerned.</item>
/// <item>An event and its pointers are there together or not at all; a pointer's log is numbered as any.</item>
/// <item>Reads see what is durable only, and never block appends.
/// They may wait for the disk: none is made under a lock, nor on a thread that serves sockets.</item>
/// <item>What cannot be read, or cannot be true, is never served:
/// <c>Head</c> and reads throw <see cref="IOException"/>, and after disposal <see cref="ObjectDisposedException"/>.</item>
/// <item>Thread-safe. Appends from one thread to one log keep their order.</item>
/// </list>
/// </remarks>
public interface IEventLog : IAsyncDisposable
{
    /// <summary>
    /// Hands the append to the log thread and returns at once.
    /// After disposal has begun it completes as <see cref="AppendOutcome.StoreFailed"/>, on the caller's thread.
    /// A log's name or an id that is too long is the caller's bug: <see cref="ArgumentException"/>.
    /// </summary>
    /// <param name="moreFollows">
    /// The caller appends more right away and then calls <see cref="Wake"/>, whatever happens: so that all of it is written together.
    /// </param>
    void Append(PendingAppend append, bool moreFollows = false);

    /// <summary>Nothing more follows for now.</summary>
    void Wake();

    /// <summary>
    /// Completes when all that was handed over before the call is on disk or refused; never fails.
    /// Who has ended a right waits for it: what comes after is not numbered under that right any more.
    /// </summary>
    Task SettleAsync();

    /// <summary>The head of a log; an unused log has head 0, and an epoch all the same. May read the disk.</summary>
    LogHead Head(LogName log);

    /// <summary>Reads the head of a log, which then is in memory as long as the caller holds what is returned.</summary>
    OpenLog Open(LogName log);

    /// <summary>
    /// At most <paramref name="limit"/> (1 to 1,000) entries with seq &gt; <paramref name="after"/> (0 or more), oldest first.
    /// </summary>
    LogPage ReadAfter(LogName log, long after, int limit);

    /// <summary>
    /// The newest <paramref name="limit"/> (1 to 1,000) entries with seq &lt; <paramref name="before"/>
    /// (<see cref="long.MaxValue"/>: the newest of all), oldest first.
    /// </summary>
    LogPage ReadBefore(LogName log, long before, int limit);

    /// <summary>
    /// Forgets all events with seq &lt; <paramref name="before"/> (0 or more; above the head: all of them), durably:
    /// no read gives them any more when this completes. The head and the epoch stay.
    /// From the disk's files they go little by little after that, also across a restart. Pending appends complete first.
    /// Fails with <see cref="IOException"/> when the store cannot write.
    /// </summary>
    Task TruncateAsync(LogName log, long before);

    /// <summary>
    /// Forgets a log with all its events and ids, durably. A log of that name used again begins with seq 1 in a new epoch.
    /// Pending appends to it complete first. Fails with <see cref="IOException"/> when the store cannot write.
    /// </summary>
    Task DropAsync(LogName log);
}
