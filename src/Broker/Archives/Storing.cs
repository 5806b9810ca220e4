using WebMessenger.Broker.Limits;
using WebMessenger.Storage.EventLog;

namespace WebMessenger.Broker.Archives;

/// <summary>Stores what is read of a file, some at a time and in order, and knows what was paid for it. Belongs to one import.</summary>
internal sealed class Storing(IEventLog log, IRecords records, StoragePayer? payer, StoragePayer? dataPayer, LogName name)
{
    private const int ChangesAtOnce = 250;
    private const int BytesAtOnce = 1 << 20;

    private readonly List<PendingImport> _pending = [];
    private long _paid;
    private long _dataPaid;

    /// <param name="edits">The message to which it gives its text, which it has already; 0: none.</param>
    public async Task AppendAsync(ImportedEvent said, long edits)
    {
        if (edits == 0)
        {
            Append(new PendingImport(name, said, payer) { SaidAt = said.At });
            return;
        }

        await FlushAsync();
        var stored = log.ReadAfter(name, edits - 1, 1).Entries;
        Append(new PendingImport(name, said, payer) { SaidAt = said.At, Replacements = [new Replacement(edits, stored[0].Body)] });
    }

    /// <summary>What was handed over so far is on disk.</summary>
    /// <exception cref="ArchiveException">Who imports has stored as much today as he may.</exception>
    /// <exception cref="IOException">It could not be stored.</exception>
    public async Task FlushAsync()
    {
        await SettleAsync();
        var refused = _pending.Find(one => one.Outcome != AppendOutcome.Stored);
        _pending.Clear();
        if (refused is not null)
        {
            throw refused.Wait > TimeSpan.Zero
                ? new ArchiveQuotaException(refused.Wait)
                : new RecordsNotWrittenException("What is imported could not be stored.");
        }
    }

    /// <summary>Writes records beside the log.</summary>
    /// <param name="ofData">Paid for as what devices say.</param>
    /// <exception cref="ArchiveException">As <see cref="FlushAsync"/>.</exception>
    public async Task WriteAsync(IAsyncEnumerable<RecordChange> changes, bool ofData)
    {
        List<RecordChange> some = [];
        var bytes = 0;
        await foreach (var change in changes)
        {
            var size = change.Key.Length + change.Value!.Length;
            Pay(size, ofData);
            some.Add(change);
            bytes += size;
            if (some.Count >= ChangesAtOnce || bytes >= BytesAtOnce)
            {
                await records.WriteAsync([.. some]);
                some.Clear();
                bytes = 0;
            }
        }

        if (some.Count > 0)
        {
            await records.WriteAsync(some);
        }
    }

    /// <summary>Nothing of it stays stored. When it completes, nothing of it is on its way to the disk either.</summary>
    /// <param name="isPaidBack">The disk has written it all the same: only where that was for nothing by the server's fault.</param>
    public async Task EndAsync(bool isPaidBack)
    {
        await SettleAsync();
        _pending.Clear();
        if (/* guard: who sends a file that fails pays for what was written */ isPaidBack)
        {
            GiveBack(payer, _paid);
            GiveBack(dataPayer, _dataPaid);
        }

        (_paid, _dataPaid) = (0, 0);
    }

    private async Task SettleAsync()
    {
        log.Wake();
        foreach (var one in _pending)
        {
            await one.Done;
            _paid += one.Paid;
        }
    }

    private void Append(PendingImport append)
    {
        _pending.Add(append);
        log.Append(append, moreFollows: true);
    }

    private void Pay(int bytes, bool ofData)
    {
        if ((ofData ? dataPayer : payer) is not { } pays)
        {
            return;
        }

        if (pays.Space.IsLow)
        {
            throw new RecordsNotWrittenException("What is imported could not be stored.");
        }

        if (!pays.Quota.TryTake(bytes, out var wait))
        {
            throw new ArchiveQuotaException(wait);
        }

        (_paid, _dataPaid) = ofData ? (_paid, _dataPaid + bytes) : (_paid + bytes, _dataPaid);
    }

    private static void GiveBack(StoragePayer? payer, long bytes)
    {
        for (; bytes > 0; bytes -= int.MaxValue)
        {
            payer?.GiveBack((int)Math.Min(bytes, int.MaxValue));
        }
    }
}
