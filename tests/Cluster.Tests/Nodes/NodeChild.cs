using System.Diagnostics;
using System.Runtime.InteropServices;
using Microsoft.Extensions.Logging.Abstractions;
using WebMessenger.Cluster.Nodes;
using WebMessenger.Storage.Nodes;

namespace WebMessenger.Cluster.Tests.Nodes;

/// <summary>This executable again, as a node in a process that may be killed or frozen.</summary>
/// <remarks>It says `node NAME`, then does what the lines on its standard input say, and answers each with one line.</remarks>
internal sealed class NodeChild : IAsyncDisposable
{
    private const string DatabaseVariable = "WEBMESSENGER_TEST_NODE_OF";
    private const int Kill = 9;
    private const int Continue = 18;
    private const int Stop = 19;

    private readonly Process _process;
    private Task<string?>? _next;

    private NodeChild(Process process, string name) => (_process, Name) = (process, name);

    public string Name { get; }

    public int ExitCode => _process.ExitCode;

    public static async Task<NodeChild> StartAsync(string postgres)
    {
        ProcessStartInfo start = new(Environment.GetEnvironmentVariable("DOTNET_HOST_PATH") ?? "dotnet", ["exec", typeof(NodeChild).Assembly.Location])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            Environment = { [DatabaseVariable] = postgres },
        };
        var process = Process.Start(start)!;
        var first = await process.StandardOutput.ReadLineAsync().SoonAsync();
        return new(process, first?.Split(' ') is ["node", var name] ? name : throw new InvalidOperationException($"The node said: {first}"));
    }

    /// <summary>Asks it to do something, and waits for its answer.</summary>
    public async Task<string?> DoAsync(string command)
    {
        await _process.StandardInput.WriteLineAsync(command);
        return await _process.StandardOutput.ReadLineAsync().SoonAsync();
    }

    /// <summary>It has said something that was not heard yet.</summary>
    public bool HasSaid => (_next ??= _process.StandardOutput.ReadLineAsync()).IsCompleted;

    /// <summary>Its next line.</summary>
    public Task<string?> HearAsync()
    {
        var next = _next ?? _process.StandardOutput.ReadLineAsync();
        _next = null;
        return next.SoonAsync();
    }

    public void Freeze() => _ = kill(_process.Id, Stop);

    public void Thaw() => _ = kill(_process.Id, Continue);

    public void Die() => _ = kill(_process.Id, Kill);

    public Task EndAsync() => _process.WaitForExitAsync().SoonAsync();

    public async ValueTask DisposeAsync()
    {
        Die();
        await _process.WaitForExitAsync();
        _process.Dispose();
    }

    /// <summary>Runs this process as such a node, if it was started as one. Null: it was not.</summary>
    public static async Task<int?> RunIfChildAsync() =>
        Environment.GetEnvironmentVariable(DatabaseVariable) is { } postgres ? await RunAsync(postgres) : null;

    private static async Task<int> RunAsync(string postgres)
    {
        var node = await ClusterNode.StartAsync(
            new() { Postgres = postgres, Port = House.FreePort() }, NodeName.Make("child"), new(), NullLoggerFactory.Instance);
        node.Links.Answer(NodeTopic.Revoke, (_, asked) => Task.FromResult(asked));
        var heard = 0;
        node.Links.Hear(NodeTopic.Live, (_, _) => Interlocked.Increment(ref heard));
        node.Links.Hear(NodeTopic.Typing, (_, _) => Console.WriteLine($"heard {Interlocked.Exchange(ref heard, 0)}"));
        await node.Links.StartAsync();
        Console.WriteLine($"node {node.Name}");
        _ = node.Ended.ContinueWith(_ => Environment.Exit(3), TaskScheduler.Default);
        List<IDisposable> turns = [];
        while (await Console.In.ReadLineAsync() is { } line)
        {
            switch (line.Split(' '))
            {
                case ["take", var name]:
                    turns.Add(await node.Turns.TakeAsync(name));
                    Console.WriteLine("taken");
                    break;
                case ["duty", var name]:
                    await Until.TrueAsync(() => node.Duties.Has(name));
                    Console.WriteLine("held");
                    break;
                case ["ask"]:
                    _ = node.Links.AskAllAsync(NodeTopic.Applied, default).ContinueWith(_ => Console.WriteLine("answered"), TaskScheduler.Default);
                    Console.WriteLine("asking");
                    break;
                case ["fresh"]:
                    await node.Lease.WhenFreshAsync();
                    Console.WriteLine("fresh");
                    break;
                case ["watch"]:
                    await node.Lease.WhenFreshAsync();
                    new Thread(() => Watch(node.Lease)).Start();
                    Console.WriteLine("watching");
                    break;
                case ["leave"]:
                    await node.DisposeAsync();
                    Console.WriteLine("left");
                    return 0;
            }
        }

        return 0;
    }

    // Says what the lease was when this process went on after having been frozen, before anything else of it may have run.
    private static void Watch(ILease lease)
    {
        for (var last = LeaseClock.Now; ;)
        {
            var now = LeaseClock.Now;
            if (now - last > NodeRows.Over)
            {
                Console.WriteLine($"woke fresh={lease.IsFresh}");
                return;
            }

            last = now;
            Thread.Sleep(1);
        }
    }

    [DllImport("libc", SetLastError = true)]
    private static extern int kill(int process, int signal);
}
