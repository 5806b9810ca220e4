using System.Security.Cryptography;
using System.Text;
using WebMessenger.Broker.Nodes;
using WebMessenger.Storage;
using WebMessenger.Storage.EventLog;
using WebMessenger.Storage.Nodes;

namespace WebMessenger.Broker.Devices;

/// <summary>
/// Makes certain that one node at a time is the home of the data topics, in a house of several nodes. The duty alone does not: a node whose
/// connection for duties broke lives on, and hears of its loss up to some seconds late.
/// </summary>
/// <remarks>
/// Whoever becomes their home writes a fence, which ends what the home before may write; then asks that one to let go, so that nobody is
/// served by both. Thread-safe.
/// </remarks>
internal sealed class DataTerms
{
    private const int RandomBytes = 16;
    private const int Tries = 5;

    /// <summary>A home that does not answer has found by itself that it lost the duty, or its lease, within this time.</summary>
    private static readonly TimeSpan _lettingGoTime = TimeSpan.FromSeconds(2);

    private static readonly TimeSpan _askPause = TimeSpan.FromMilliseconds(100);

    private readonly IRecords _records;
    private readonly INodeLinks _links;
    private readonly IDuties _duties;
    private readonly TimeProvider _time;
    private readonly Lock _gate = DiskReads.NoneUnder(new Lock());
    private DataTerm? _current;
    private TaskCompletionSource _letGo = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public DataTerms(IRecords records, INodeLinks links, IDuties duties, TimeProvider time)
    {
        (_records, _links, _duties, _time) = (records, links, duties, time);
        None = new DataTerm(records, NewFence(), _ => { });
        links.Answer(NodeTopic.DataHome, LetGoAsync);
    }

    /// <summary>What is written goes there: to this term, or, while they are another node's, to one in which all is refused.</summary>
    public DataTerm Now => Volatile.Read(ref _current) ?? None;

    /// <summary>Another node has become their home: all that is in memory is to be let go, and <see cref="End"/> called.</summary>
    public Action? Overtaken { get; set; }

    private DataTerm None { get; }

    /// <summary>This node has the duty, and becomes their home.</summary>
    /// <exception cref="IOException">It has lost it meanwhile, or the store cannot write.</exception>
    public async Task BeginAsync()
    {
        for (var attempt = 0; attempt < Tries; attempt++)
        {
            var before = await Task.Run(() => _records.Find(DataTerm.Key));

            // In this order: who has the duty after the fence was read has it before anybody else reads this one.
            if (!(/* guard: only who has the duty takes the data topics */ await _duties.ConfirmAsync(DataHome.Duty)))
            {
                break;
            }

            var fence = NewFence();
            if (await _records.WriteAsync([new(DataTerm.Key, fence)], [new(DataTerm.Key, before)]) == WriteOutcome.Written)
            {
                lock (_gate)
                {
                    _letGo = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
                    _current = new DataTerm(_records, fence, WasOvertaken);
                }

                await AskAsync(before is { Length: > RandomBytes } ? Encoding.ASCII.GetString(before.AsSpan(RandomBytes)) : _links.Self);
                return;
            }
        }

        throw new IOException("Another node has the duty by now.");
    }

    /// <summary>They are this node's no more, and nobody is served by what it had of them.</summary>
    public void End()
    {
        lock (_gate)
        {
            _current = null;
            _letGo.TrySetResult();
        }
    }

    private byte[] NewFence() => [.. RandomNumberGenerator.GetBytes(RandomBytes), .. Encoding.ASCII.GetBytes(_links.Self)];

    private void WasOvertaken(DataTerm term)
    {
        if (Volatile.Read(ref _current) == term)
        {
            Overtaken?.Invoke();
        }
    }

    // The home before lives, maybe, and does not know yet.
    private async Task AskAsync(string node)
    {
        using CancellationTokenSource patience = new(_lettingGoTime, _time);
        while (!patience.IsCancellationRequested && _links.Others.Contains(node))
        {
            try
            {
                await (/* guard: the home before has let go */ (Task)_links.AskAsync(node, NodeTopic.DataHome, default, patience.Token));
                return;
            }
            catch (Exception error) when (error is IOException or OperationCanceledException)
            {
                await Task.Delay(_askPause, _time, patience.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }
    }

    // Another node says that it is their home now.
    private async Task<ReadOnlyMemory<byte>> LetGoAsync(string node, ReadOnlyMemory<byte> message)
    {
        DataTerm? term;
        Task letGo;
        lock (_gate)
        {
            (term, letGo) = (_current, _letGo.Task);
        }

        if (term is not null)
        {
            // By what is stored, not by what is asked: a question may be late.
            var fence = await Task.Run(() => _records.Find(DataTerm.Key));
            if (fence is not null && !fence.AsSpan().SequenceEqual(term.IsOurs.Value))
            {
                WasOvertaken(term);
                await letGo;
            }
        }

        return default;
    }
}
