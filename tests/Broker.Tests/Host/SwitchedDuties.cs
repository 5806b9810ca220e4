using WebMessenger.Storage.Nodes;

namespace WebMessenger.Broker.Tests.Host;

/// <summary>All duties of a node, which the test gives and takes away.</summary>
internal sealed class SwitchedDuties : IDuties
{
    private readonly Lock _gate = new();
    private CancellationTokenSource _lost = new();
    private TaskCompletionSource _held = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public SwitchedDuties() => _lost.Cancel();

    public bool Has(string duty) => !_lost.IsCancellationRequested;

    public string? HolderOf(string duty) => Has(duty) ? "this" : null;

    public void Give()
    {
        lock (_gate)
        {
            _lost = new CancellationTokenSource();
            _held.TrySetResult();
        }
    }

    public void Take()
    {
        lock (_gate)
        {
            _held = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            _lost.Cancel();
        }
    }

    public async Task RunAsync(string duty, Func<CancellationToken, Task> work, CancellationToken stop)
    {
        while (true)
        {
            var (held, lost) = Now();
            await held.WaitAsync(stop);
            (_, lost) = Now();
            using var over = CancellationTokenSource.CreateLinkedTokenSource(lost, stop);
            try
            {
                await work(over.Token);
            }
            catch (OperationCanceledException) when (over.IsCancellationRequested)
            {
                // Lost, or the end.
            }

            stop.ThrowIfCancellationRequested();
            if (!lost.IsCancellationRequested)
            {
                return;
            }
        }
    }

    private (Task Held, CancellationToken Lost) Now()
    {
        lock (_gate)
        {
            return (_held.Task, _lost.Token);
        }
    }
}
