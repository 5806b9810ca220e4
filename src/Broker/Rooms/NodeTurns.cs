using WebMessenger.Storage;
using WebMessenger.Storage.Nodes;

namespace WebMessenger.Broker.Rooms;

/// <summary>Turns of one thing on all nodes: first this node's, then the cluster's (ADR 0086).</summary>
/// <remarks>
/// Thread-safe; <c>_gate</c> is a leaf lock. All who share on this node at a time share one turn of the cluster: a crowd that comes into a
/// room takes one lock.
/// </remarks>
internal sealed class NodeTurns(ITurns cluster, string name) : Turns
{
    // Whoever wants to be alone, on any node, waits for so many at most who came here after he had asked.
    private const int MostTogether = 256;

    private readonly Lock _gate = DiskReads.NoneUnder(new Lock());
    private Together? _open;

    public override async Task<IDisposable> ShareAsync()
    {
        var here = await base.ShareAsync();
        var together = Join(out var isFirst);
        if (isFirst)
        {
            _ = TakeAsync(together);
        }

        try
        {
            await together.Taken.Task;
        }
        catch
        {
            Leave(together);
            here.Dispose();
            throw;
        }

        return new Turn(here, () => Leave(together));
    }

    public override async Task<IDisposable> BeAloneAsync()
    {
        var here = await base.BeAloneAsync();
        return await BothAsync(here, cluster, name);
    }

    /// <summary>The cluster's turn behind that of this node.</summary>
    public static async Task<IDisposable> BothAsync(IDisposable here, ITurns cluster, string name)
    {
        try
        {
            var everywhere = await cluster.TakeAsync(name);
            return new Turn(here, everywhere.Dispose);
        }
        catch
        {
            here.Dispose();
            throw;
        }
    }

    private Together Join(out bool isFirst)
    {
        lock (_gate)
        {
            isFirst = _open is not { Came: < MostTogether };
            var together = isFirst ? _open = new Together() : _open!;
            together.Came++;
            together.Inside++;
            return together;
        }
    }

    private async Task TakeAsync(Together together)
    {
        try
        {
            together.Taken.SetResult(await cluster.TakeAsync(name, isShared: true));
        }
        catch (Exception error)
        {
            lock (_gate)
            {
                // Who comes from here on asks anew.
                _open = _open == together ? null : _open;
            }

            together.Taken.SetException(error);
        }
    }

    private void Leave(Together together)
    {
        lock (_gate)
        {
            if (--together.Inside > 0)
            {
                return;
            }

            // In the same hold: nobody shares it any more.
            _open = _open == together ? null : _open;
        }

        if (together.Taken.Task is { IsCompletedSuccessfully: true, Result: var everywhere })
        {
            everywhere.Dispose();
        }
    }

    /// <summary>A turn of the cluster, and who of this node has come to share it.</summary>
    private sealed class Together
    {
        public TaskCompletionSource<IDisposable> Taken { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public int Came { get; set; }

        public int Inside { get; set; }
    }

    // The cluster's first: the next of this node takes it anew.
    private sealed class Turn(IDisposable here, Action leave) : IDisposable
    {
        public void Dispose()
        {
            leave();
            here.Dispose();
        }
    }
}

/// <summary>The same of accounts, or of whatever else is told apart by a name: this node's turn, then the cluster's.</summary>
internal sealed class NodeAccountTurns(ITurns cluster, string kind) : AccountTurns
{
    public override async Task<IDisposable> EnterAsync(string accountId) =>
        await NodeTurns.BothAsync(await base.EnterAsync(accountId), cluster, kind + accountId);
}
