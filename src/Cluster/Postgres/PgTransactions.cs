using System.Diagnostics;
using Npgsql;
using WebMessenger.Storage.EventLog;

namespace WebMessenger.Cluster.Postgres;

/// <summary>What the writer does between two commits: looks under the journal's lock, takes over what others wrote, decides,
/// writes.</summary>
/// <remarks>The writer's own.</remarks>
/// <param name="bring">Brings to other nodes what was written, with its payload; must not block.</param>
/// <param name="goesOnWaiting">Asked again and again while nobody knows what became of a commit; takes its time.</param>
internal sealed class PgTransactions(
    PgParts parts, PgSession session, PgStanding standing, Action<HeardBatch, byte[]> bring, Func<TimeSpan, bool> goesOnWaiting)
{
    private static readonly Dictionary<LogName, PgHead> _noHeads = [];

    private readonly PgLook _look = parts.Look;
    private readonly PgBatch _batch = new(parts.States, parts.Look, parts.Options, parts.Time, parts.Logger);
    private readonly PgHearing _hearing = parts.Hearing;
    private long _written;
    private long _writtenAt;
    private bool _othersWrite;

    /// <summary>What was decided on each of the appends that <see cref="Run"/> took.</summary>
    public LogBatch.Decision[] Decisions => _batch.Decisions;

    /// <summary>Waits for the journal where other nodes write as well; true: it is this node's.</summary>
    /// <remarks>So what comes meanwhile is written with what has come: the more nodes write, the more that is.</remarks>
    public bool WaitForTurn()
    {
        if (!_othersWrite || standing.IsLost || standing.IsFailing)
        {
            return false;
        }

        try
        {
            session.Lock();
            return true;
        }
        catch (Exception error) when (session.IsFault(error))
        {
            standing.Fail(error);
            return false;
        }
    }

    /// <summary>Does what makes one transaction of the first of the work.</summary>
    /// <returns>How many were decided on, and stored where they were to be; 0: nothing can be stored, of none of them.</returns>
    /// <exception cref="Exception">One that <see cref="PgSession.IsFault"/> knows: nothing was sent to be written, it may be tried
    /// again.</exception>
    public int Run(ReadOnlySpan<PendingAppend> work)
    {
        if (standing.IsLost)
        {
            session.Close();
            return 0;
        }

        var documents = work[0] as PendingDocuments;
        var count = _batch.Choose(work);
        if (IsNothing(work[..count]))
        {
            if (session.HasBegun)
            {
                EndUnwritten();
            }

            Decisions.AsSpan(0, count).Fill(new(AppendOutcome.Stored, 0, 0, ""));
            return count;
        }

        try
        {
            session.Begin(_look, _hearing.Applied, documents?.Work);
        }
        catch (Exception error) when (documents is not null && (!session.IsFault(error) || PgErrors.IsOfStatement(error)))
        {
            // What it asked is wrong; others are not concerned.
            session.Close();
            documents.Failure = error;
            Decisions[0] = new(AppendOutcome.StoreFailed, 0, 0, "");
            return 1;
        }

        _othersWrite = _look.Head.Number > _written && Stopwatch.GetElapsedTime(_writtenAt) < parts.Options.WritesOnFor;
        if (/* guard: a node that was declared dead writes nothing */ _look.IsDead)
        {
            standing.Lose("it was declared dead by the others");
        }

        if (standing.IsLost || !TakeOver(_look.Head, _look.Feed))
        {
            session.Close();
            return 0;
        }

        if (documents is not null)
        {
            Decisions[0] = new(Write(documents) ? AppendOutcome.Stored : AppendOutcome.StoreFailed, 0, 0, "");
            return 1;
        }

        count = _batch.Build(work[..count]);
        if (_batch.Rows.IsEmpty)
        {
            EndUnwritten();
            return count;
        }

        HeardBatch heard = new(
            _look.Head.Number + 1,
            parts.Node,
            _batch.Changes.Heads(),
            _batch.Changes.All,
            [.. _batch.Rows.Records.Select(record => new RecordChange(record.Key, record.Value))],
            [])
        { Entries = _batch.Changes.Entries() };
        return Commit(heard, _batch.Now, _batch.Rows.AddTo, out _) ? count : 0;
    }

    /// <summary>Takes over what was read, and reads on to what the journal's row says. False: this node cannot go on.</summary>
    public bool TakeOver(JournalHead head, IReadOnlyList<(long Number, byte[] Payload)> feed)
    {
        while (true)
        {
            if (/* guard: a database that was put back is not gone on with */ head.Epoch != parts.Journal.Epoch || head.Number < _hearing.Applied)
            {
                standing.Lose("the database is not the one that it was: it was restored, or lost what it had committed");
                return false;
            }

            var before = _hearing.Applied;
            if (!_hearing.TakeOver(feed) || (before < head.Number && _hearing.Applied == before))
            {
                standing.Lose("what other nodes wrote is not there any more, or is of a newer version");
                return false;
            }

            if (LoseIfTooMuchIsKept())
            {
                return false;
            }

            if (_hearing.Applied >= head.Number)
            {
                return true;
            }

            (_, feed) = session.ReadFeed(_hearing.Applied);
        }
    }

    /// <summary>True: the others wrote more than this node has room for until it has started.</summary>
    public bool LoseIfTooMuchIsKept()
    {
        if (_hearing.HasKeptTooMuch)
        {
            standing.Lose("the others wrote more than it can keep until it has started");
        }

        return _hearing.HasKeptTooMuch;
    }

    // Whoever waits for what is before it in the queue asks for nothing.
    private static bool IsNothing(ReadOnlySpan<PendingAppend> work)
    {
        foreach (var append in work)
        {
            if (append is not PendingRecords || append.Changes.Count > 0 || append.Conditions.Count > 0)
            {
                return false;
            }
        }

        return true;
    }

    private bool Write(PendingDocuments documents)
    {
        try
        {
            if (!documents.Work.Decide())
            {
                EndUnwritten();
                return true;
            }

            HeardBatch heard = new(_look.Head.Number + 1, parts.Node, _noHeads, [], [], documents.Work.Changes);
            if (Commit(heard, parts.Time.GetUtcNow().ToUnixTimeMilliseconds(), documents.Work.AddWrites, out var refused))
            {
                return true;
            }

            documents.Failure = refused is null ? null : new IOException($"The database refused documents: {PgErrors.Line(refused)}", refused);
        }
        catch (Exception error)
        {
            // It is its own; others are not concerned.
            documents.Failure = error;
            EndUnwritten();
        }

        return false;
    }

    /// <summary>Writes and commits, and shows it; false: nothing of it is stored.</summary>
    /// <param name="refused">The database is there, and does not take it.</param>
    private bool Commit(HeardBatch heard, long at, Action<NpgsqlBatch> addRows, out Exception? refused)
    {
        refused = null;
        var (head, number) = (_look.Head, heard.Number);
        var changes = PgJournal.Encode(heard.Changes);
        var payload = heard.Encode();
        JournalHead next = new(head.Epoch, number, changes.Length > 0 ? number : head.Told, head.Bytes + changes.Length, Math.Max(head.Logs, _batch.LastLogId));
        PgCommit commit = new(Guid.NewGuid(), next, at, changes, payload, addRows);
        try
        {
            session.Commit(commit);
        }
        catch (Exception error) when (session.IsFault(error))
        {
            if (session.IsOpen && PgErrors.IsOfStatement(error))
            {
                session.Close();
                refused = error;
                return false;
            }

            var isRefused = session.IsOpen;
            standing.Fail(error);
            if (isRefused)
            {
                refused = error;
                return false;
            }

            PgLogMessages.IsUnknown(parts.Logger, number, PgErrors.Line(error));
            if (!WasStored(commit))
            {
                return false;
            }
        }

        standing.GoOn();
        _batch.Publish();
        if (heard.Changes.Count > 0)
        {
            parts.Journal.Publish(number);
        }

        _hearing.Wrote(number);
        (_written, _writtenAt) = (number, Stopwatch.GetTimestamp());
        bring(heard, payload);
        return true;
    }

    /// <summary>What became of a commit that nobody saw: asks as long as it takes, for nothing may be said of it before.</summary>
    private bool WasStored(PgCommit commit)
    {
        var since = Stopwatch.GetTimestamp();
        do
        {
            try
            {
                var isStored = /* guard: an outcome is never guessed */ session.IsStored(commit.Head.Number, commit.Batch);
                PgLogMessages.IsKnown(parts.Logger, commit.Head.Number, isStored ? "was committed" : "was not committed");
                return isStored;
            }
            catch (Exception error) when (session.IsFault(error))
            {
                standing.Fail(error);
            }
        }
        while (goesOnWaiting(Stopwatch.GetElapsedTime(since)));

        // The program ends. Who is told that it failed sends it again, and under its id it is known if it is there.
        return false;
    }

    // The lock goes with the transaction; a connection that cannot even do that is closed.
    private void EndUnwritten()
    {
        try
        {
            if (session.IsOpen)
            {
                session.Rollback();
            }
        }
        catch (Exception error) when (session.IsFault(error))
        {
            session.Close();
        }
    }
}
