using WebMessenger.Storage.Nodes;

namespace WebMessenger.Broker.Nodes;

/// <summary>
/// Where the data topics of a house of several nodes are: one node has them, with their order, values and logs, and the others bring it
/// what comes to them (ADR 0088). Alone there is none of this.
/// </summary>
/// <remarks>Thread-safe.</remarks>
internal sealed partial class DataHome(INodeLinks links, IDuties duties, NodePipes pipes, TimeProvider time, ILogger<DataHome> logger)
    : BackgroundService
{
    /// <summary>Of <see cref="IDuties"/>.</summary>
    public const string Duty = "data";

    /// <summary>After a node that had them has died, another one has them within this time.</summary>
    private static readonly TimeSpan _takeOverTime = TimeSpan.FromSeconds(15);

    /// <summary>Of whose they are two nodes hear within this time of each other.</summary>
    private static readonly TimeSpan _hearingTime = TimeSpan.FromSeconds(1);

    private static readonly TimeSpan _lookPause = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan _againPause = TimeSpan.FromSeconds(1);

    private readonly List<IDataHomePart> _parts = [];
    private readonly Dictionary<PipeUse, Func<NodePipe, PipePreface, Task>> _served = [];
    private volatile bool _isBeginning;
    private volatile bool _isServing;

    /// <summary>This node serves others by the data topics.</summary>
    public bool IsServing => _isServing;

    /// <summary>The data topics are this node's, and it has read what is stored of them.</summary>
    public bool IsHere => IsServing && duties.HolderOf(Duty) == links.Self;

    /// <summary>What begins and ends with the data topics. Before the program serves.</summary>
    public void Add(IDataHomePart part) => _parts.Add(part);

    /// <summary>Who serves pipes of a kind until they are over. Before the program serves.</summary>
    public void Serve(PipeUse use, Func<NodePipe, PipePreface, Task> serve) => _served[use] = serve;

    /// <summary>
    /// Opens a pipe to the node that has the data topics, this one or another; waits for a while where nobody has them just now.
    /// Null: nobody has them. One for which there is no place is refused (<see cref="NodePipe.IsRefused"/>).
    /// </summary>
    public async Task<NodePipe?> OpenAsync(PipePreface preface, CancellationToken cancellation = default)
    {
        var since = time.GetTimestamp();
        string? node;
        while ((node = duties.HolderOf(Duty)) is null || (node == links.Self && !_isServing))
        {
            if (time.GetElapsedTime(since) > _takeOverTime)
            {
                return null;
            }

            await Task.Delay(_lookPause, time, cancellation);
        }

        return pipes.Open(node, preface.Encode(), preface.Holder);
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        pipes.Accepted = ServeAsync;
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                await duties.RunAsync(Duty, lost => HaveThemAsync(lost, stoppingToken), stoppingToken);
            }
            catch (Exception error) when (error is IOException or ObjectDisposedException or OperationCanceledException)
            {
                LogLost(logger, error.Message);
            }

            if (!stoppingToken.IsCancellationRequested)
            {
                await Task.Delay(_againPause, time, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }
    }

    private async Task HaveThemAsync(CancellationToken lost, CancellationToken stop)
    {
        var parts = _parts.OrderBy(part => part.Order).ToArray();
        try
        {
            _isBeginning = true;
            foreach (var part in parts)
            {
                await part.BeginAsync();
            }

            (_isServing, _isBeginning) = (!lost.IsCancellationRequested, false);
            LogHave(logger);
            TaskCompletionSource over = new(TaskCreationOptions.RunContinuationsAsynchronously);
            await using var registered = lost.UnsafeRegister(static over => ((TaskCompletionSource)over!).TrySetResult(), over);
            await over.Task;
        }
        finally
        {
            // guard: a node that has lost the data topics serves nobody by them
            (_isServing, _isBeginning) = (false, false);
            try
            {
                foreach (var part in parts.Reverse())
                {
                    await part.EndAsync(isLost: !stop.IsCancellationRequested);
                }
            }
            finally
            {
                pipes.EndAccepted();
            }
        }
    }

    private async Task ServeAsync(NodePipe pipe)
    {
        // Others hear that this node has them before it does, and before it has read what is stored.
        for (var since = time.GetTimestamp(); !_isServing && !pipe.Closed.IsCompleted && time.GetElapsedTime(since) < (_isBeginning ? _takeOverTime : _hearingTime);)
        {
            await Task.Delay(_lookPause, time);
        }

        if (_isServing && PipePreface.Read(pipe.Preface) is { } preface && _served.TryGetValue(preface.Use, out var serve))
        {
            await serve(pipe, preface);
        }
    }

    [LoggerMessage(5803, LogLevel.Information, "The data topics of the house are this node's")]
    private static partial void LogHave(ILogger logger);

    [LoggerMessage(5804, LogLevel.Warning, "The data topics of the house cannot be this node's now: {Reason}")]
    private static partial void LogLost(ILogger logger, string reason);
}
