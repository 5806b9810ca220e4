using System.Text;
using Microsoft.Extensions.Logging;

namespace WebMessenger.Storage.EventLog;

/// <summary>
/// Has one follower follow the journal: from its stored place, or from the logs when it has none that is good; woken when there is more.
/// </summary>
/// <remarks>
/// The place is a record, written under the condition that it is as it was:
/// should two run under one name, the later of their writes is refused, and that one ends.
/// Value: 'f' position, or, while it begins from the logs, 'b' length(1) position name-of-the-last-log-done.
/// </remarks>
internal sealed class Following(IJournal journal, IRecords records, IFollower follower, TimeProvider time, ILogger logger)
{
    private const byte Follows = (byte)'f';
    private const byte Begins = (byte)'b';

    // Of the logs that are begun, and of the batches that are followed, in one write.
    private const int LogsAtOnce = 100;
    private const int BatchesAtOnce = 1_000;

    /// <summary>
    /// So many changes are one write, however many logs are still to be begun: a write holds up whoever says something meanwhile.
    /// </summary>
    private const int ChangesAtOnce = 1_000;

    /// <summary>How long it waits after a failure of the disk.</summary>
    public static TimeSpan RetryPeriod { get; } = TimeSpan.FromSeconds(5);

    private readonly byte[] _key = KeyOf(follower.Name);
    private bool _isFailing;
    private bool _hasAll;

    /// <summary>The record that keeps a follower's place.</summary>
    public static byte[] KeyOf(string name) => [.. "follow/"u8, .. Encoding.ASCII.GetBytes(name)];

    /// <summary>The place up to which a follower has followed; null: none yet, or it is beginning from the logs. Reads the disk.</summary>
    public static JournalPosition? PlaceOf(IRecords records, string name) =>
        records.Find(KeyOf(name)) is [Follows, .. var place] ? JournalPosition.Read(place) : null;

    /// <summary>
    /// Runs until it is cancelled (<see cref="OperationCanceledException"/>) or the store
    /// is closed (<see cref="ObjectDisposedException"/>).
    /// </summary>
    /// <exception cref="InvalidOperationException">Another follows under the same name.</exception>
    public async Task RunAsync(CancellationToken cancellation)
    {
        while (true)
        {
            try
            {
                await FollowAsync(cancellation);
            }
            catch (IOException error)
            {
                if (!_isFailing)
                {
                    _isFailing = true;
                    LogMessages.FollowerFails(logger, follower.Name, error.Message);
                }

                // Nothing is lost: the place is where it was. A store that is closed says so with the next read.
                await Task.Delay(RetryPeriod, time, cancellation);
            }
        }
    }

    /// <summary>Follows to where the journal ends now, and ends. For a store that nobody writes to.</summary>
    /// <exception cref="IOException">It cannot be read or written.</exception>
    public async Task CatchUpAsync(CancellationToken cancellation)
    {
        var end = journal.ReadJournal(null, 1).Next;
        var stored = records.Find(_key);
        while (PlaceOf(records, follower.Name) is not { } place || place.Epoch != end.Epoch || place.Number < end.Number)
        {
            stored = await StepAsync(stored, cancellation);
        }
    }

    private async Task FollowAsync(CancellationToken cancellation)
    {
        var stored = records.Find(_key);
        while (true)
        {
            stored = await StepAsync(stored, cancellation);
            if (_hasAll)
            {
                // What came meanwhile is a beginning: else each small write, with its sync, would find the next already there.
                _hasAll = false;
                await Task.Delay(follower.Gathers, time, cancellation);
            }
        }
    }

    private async Task<byte[]?> StepAsync(byte[]? stored, CancellationToken cancellation)
    {
        cancellation.ThrowIfCancellationRequested();
        return stored switch
        {
            _ when follower.MustBegin is { IsCompleted: true } => await GoOnAsync(stored, null, cancellation),
            [Begins, ..] => await BeginAsync(stored, cancellation),
            [Follows, .. var place] => await GoOnAsync(stored, JournalPosition.Read(place), cancellation),
            _ => await GoOnAsync(stored, null, cancellation),
        };
    }

    private async Task<byte[]?> GoOnAsync(byte[]? stored, JournalPosition? place, CancellationToken cancellation)
    {
        var page = journal.ReadJournal(place, BatchesAtOnce);
        if (page.IsGap)
        {
            await follower.ForgetAsync(cancellation);
            var position = page.Next.ToBytes();
            return await WriteAsync([], stored, [Begins, (byte)position.Length, .. position]);
        }

        if (page.Batches.Count == 0)
        {
            await WaitAsync(page.Next, cancellation);
            await Task.Delay(follower.Gathers, time, cancellation);
            return stored;
        }

        var changes = await follower.FollowAsync(page.Batches, cancellation);
        _hasAll = !page.IsCut;
        return await WriteAsync(changes, stored, [Follows, .. page.Next.ToBytes()]);
    }

    // Until there is more, or it has to begin.
    private async Task WaitAsync(JournalPosition place, CancellationToken cancellation)
    {
        if (follower.MustBegin is not { } begins)
        {
            await journal.WaitAsync(place, cancellation);
            return;
        }

        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        var more = journal.WaitAsync(place, either.Token);
        if (await Task.WhenAny(more, begins) != more)
        {
            await either.CancelAsync();
        }

        await more.ContinueWith(
            static _ => { }, CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
        if (!either.IsCancellationRequested || cancellation.IsCancellationRequested)
        {
            await more;
        }
    }

    private async Task<byte[]?> BeginAsync(byte[] stored, CancellationToken cancellation)
    {
        var position = stored.AsMemory(2, stored[1]);
        var name = stored.AsMemory(2 + position.Length);
        var logs = journal.ReadLogs(name.IsEmpty ? null : LogName.Stored(name.Span), LogsAtOnce);
        List<RecordChange> changes = [];
        var done = 0;
        for (; done < logs.Count && changes.Count < ChangesAtOnce; done++)
        {
            changes.AddRange(await follower.BeginAsync(logs[done], cancellation));
        }

        var isLast = done == logs.Count && logs.Count < LogsAtOnce;
        byte[] next = isLast
            ? [Follows, .. position.Span]
            : [Begins, (byte)position.Length, .. position.Span, .. Encoding.ASCII.GetBytes(logs[done - 1].Value)];
        var written = await WriteAsync(changes, stored, next);
        if (isLast)
        {
            follower.HasBegun();
        }

        return written;
    }

    private async Task<byte[]> WriteAsync(IReadOnlyList<RecordChange> changes, byte[]? stored, byte[] next)
    {
        var outcome = await records.WriteAsync([.. changes, new(_key, next)], [new(_key, stored)]);
        if (outcome is not WriteOutcome.Written)
        {
            throw new InvalidOperationException($"Another follows as {follower.Name}.");
        }

        if (_isFailing)
        {
            _isFailing = false;
            LogMessages.FollowerGoesOn(logger, follower.Name);
        }

        return next;
    }
}
