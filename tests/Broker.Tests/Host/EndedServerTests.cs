using System.Runtime.CompilerServices;
using WebMessenger.Storage.EventLog;

namespace WebMessenger.Broker.Tests.Host;

/// <summary>What a server leaves behind when it has ended.</summary>
public sealed class EndedServerTests
{
    [Fact]
    public async Task Nothing_in_the_process_holds_a_server_that_has_ended()
    {
        var log = await StartAndEndAsync();

        // What was waited for when it ended, such as the time of a closing handshake, is over soon.
        using CancellationTokenSource patience = new(TimeSpan.FromSeconds(30));
        using PeriodicTimer again = new(TimeSpan.FromMilliseconds(100));
        while (log.IsAlive && !patience.IsCancellationRequested)
        {
            GC.Collect();
            GC.WaitForPendingFinalizers();
            await again.WaitForNextTickAsync(CancellationToken.None);
        }

        Assert.False(log.IsAlive, "Something holds what belonged to a server that has ended, such as a timer that nobody stopped.");
    }

    // Apart, or what it had in its hands lies on the stack of who asks.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static async Task<WeakReference> StartAndEndAsync()
    {
        await using var broker = await RunningBroker.StartAsync();
        using HttpClient http = new() { BaseAddress = broker.Http };
        using var answer = await http.GetAsync(new Uri("/api/server", UriKind.Relative), TestContext.Current.CancellationToken);
        Assert.True(answer.IsSuccessStatusCode);
        return new WeakReference(broker.Get<IEventLog>());
    }
}
