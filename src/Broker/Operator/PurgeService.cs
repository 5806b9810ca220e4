using WebMessenger.Broker.Devices;
using WebMessenger.Storage.EventLog;

namespace WebMessenger.Broker.Operator;

internal sealed record PurgeRequest;

/// <param name="IsRunning">The files are being written anew.</param>
/// <param name="Times">How often it was done to its end since the start.</param>
/// <param name="Failure">Why the last time was not done to its end; null: it was.</param>
internal sealed record PurgeAnswer(bool IsRunning, int Times, string? Failure = null);

/// <summary>What there is to take off the disk.</summary>
internal enum PurgeWork
{
    None,

    /// <summary>Retained values alone, that were replaced or cleared.</summary>
    Values,

    /// <summary>All that is stored is to be looked through.</summary>
    All,
}

/// <summary>Takes what was deleted off the disk, on the operator's word or daily, one time after the other.</summary>
/// <remarks>
/// What is searched is derived from what was said, and follows: only when it has come so far, nothing of it is in its files either.
/// Record `purge`: up to which place of the journal nothing of what was replaced, truncated or dropped is in the files.
/// Retained values are in no journal; <see cref="RetainedRecord.ReplacedKey"/> says whether files may have some that were replaced.
/// Thread-safe.
/// </remarks>
/// <param name="purgeValues">The same of the retained values alone.</param>
/// <param name="hasFollowed">Whether the search index has come to a place of the journal; waits a while for it.</param>
internal sealed class PurgeService(
    Func<Task> purge, Func<Task> purgeValues, Func<JournalPosition, Task<bool>> hasFollowed, IJournal journal, IRecords records)
{
    private const string Behind = "The search index has not come to what was deleted last, and may still have words of it; all else is done. "
        + "Try again when it has: search rebuild makes it anew, and says how far it is.";

    private const int BatchesAtOnce = 256;

    private static readonly byte[] s_placeKey = "purge"u8.ToArray();

    private readonly Lock _gate = new();
    private string? _failure;
    private bool _isRunning;
    private int _times;

    public PurgeAnswer Look()
    {
        lock (_gate)
        {
            return new PurgeAnswer(_isRunning, _times, _failure);
        }
    }

    /// <summary>Begins, and does not wait for the end.</summary>
    public Task<CommandOutcome<PurgeAnswer>> BeginAsync(PurgeRequest request)
    {
        if (!TryBegin())
        {
            return Task.FromResult(CommandOutcome<PurgeAnswer>.Not("The files are being written anew just now, for somebody else. Try again when that is done."));
        }

        _ = RunAsync(PurgeWork.All);
        return Task.FromResult(new CommandOutcome<PurgeAnswer>(Look()));
    }

    /// <summary>Does it to its end. Null: it is being done for somebody else.</summary>
    public async Task<PurgeAnswer?> DoAsync(PurgeWork work = PurgeWork.All)
    {
        if (!TryBegin())
        {
            return null;
        }

        await RunAsync(work);
        return Look();
    }

    /// <summary>Whether anything was replaced, truncated, dropped or cleared since it was last done. Reads the disk.</summary>
    /// <exception cref="IOException">It cannot be read.</exception>
    public bool HasWork(CancellationToken cancellation) => FindWork(cancellation) != PurgeWork.None;

    /// <inheritdoc cref="HasWork"/>
    public PurgeWork FindWork(CancellationToken cancellation) =>
        HasChangedLogs(cancellation) ? PurgeWork.All
        : (/* guard: values that were replaced leave the files daily */ records.Find(RetainedRecord.ReplacedKey) is not null) ? PurgeWork.Values
        : PurgeWork.None;

    private bool HasChangedLogs(CancellationToken cancellation)
    {
        var place = records.Find(s_placeKey) is { } stored ? JournalPosition.Read(stored) : null;
        while (!cancellation.IsCancellationRequested)
        {
            var page = journal.ReadJournal(place, BatchesAtOnce);
            if (page.IsGap || page.Batches.Any(batch => batch.Changes.Any(change => change.Kind != JournalKind.Append)))
            {
                return true;
            }

            if (page.Batches.Count == 0)
            {
                return false;
            }

            place = page.Next;
        }

        return false;
    }

    private bool TryBegin()
    {
        lock (_gate)
        {
            if (_isRunning)
            {
                return false;
            }

            (_isRunning, _failure) = (true, null);
            return true;
        }
    }

    private async Task RunAsync(PurgeWork work)
    {
        string? failure = null;
        try
        {
            // Before it: what is deleted meanwhile is for the next time.
            var replaced = await Task.Run(() => records.Find(RetainedRecord.ReplacedKey));
            failure = await (work == PurgeWork.Values ? PurgeValuesAsync() : PurgeAllAsync());
            if (failure is null && replaced is not null)
            {
                await records.WriteAsync(
                    [new RecordChange(RetainedRecord.ReplacedKey, null)], [new RecordCondition(RetainedRecord.ReplacedKey, replaced)]);
            }
        }
        catch (Exception error) when (error is IOException or ObjectDisposedException)
        {
            failure = error.Message;
        }

        lock (_gate)
        {
            (_isRunning, _failure, _times) = (false, failure, failure is null ? _times + 1 : _times);
        }
    }

    private async Task<string?> PurgeValuesAsync()
    {
        await purgeValues();
        return null;
    }

    private async Task<string?> PurgeAllAsync()
    {
        var end = await Task.Run(() => journal.ReadJournal(null, 1).Next);
        var isFollowed = /* guard: what is purged is in the search index no more */ await hasFollowed(end);
        await purge();
        if (!isFollowed)
        {
            return Behind;
        }

        await records.WriteAsync([new RecordChange(s_placeKey, end.ToBytes())]);
        return null;
    }
}
