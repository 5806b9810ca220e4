using WebMessenger.Storage.Nodes;

namespace WebMessenger.Broker.Nodes;

/// <summary>What is done beside what people ask for, and writes: on one node at a time, which another takes over from.</summary>
/// <remarks>
/// It begins from what is stored, each time: another node may have done some of it. In a house of one it runs from the start to the end of
/// the program.
/// </remarks>
internal abstract class ScheduledWork(IDuties duties) : BackgroundService
{
    /// <summary>All of it is one duty: so one node has what followers and sweeps keep in memory.</summary>
    public const string Duty = "work";

    protected sealed override Task ExecuteAsync(CancellationToken stoppingToken) => duties.RunAsync(Duty, WorkAsync, stoppingToken);

    /// <param name="over">The program ends, or the duty is another node's.</param>
    protected abstract Task WorkAsync(CancellationToken over);
}
