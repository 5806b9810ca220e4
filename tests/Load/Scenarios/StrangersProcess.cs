using System.Globalization;
using System.Net;
using WebMessenger.Load.Commands;
using WebMessenger.Load.Servers;

namespace WebMessenger.Load.Scenarios;

/// <summary>
/// All strangers as a process of its own that takes only what processor time nobody else wants:
/// theirs are other machines, and what they spend there is not the server's.
/// </summary>
internal sealed class StrangersProcess : IAsyncDisposable
{
    private readonly ChildProcess _process;
    private int _held;
    private long _opened;

    private StrangersProcess(string program, IEnumerable<string> arguments) => _process = ChildProcess.Start(program, arguments, Read);

    /// <summary>How many sockets they hold, as they said last.</summary>
    public int Held => Volatile.Read(ref _held);

    /// <summary>How many they have opened, as they said last.</summary>
    public long Opened => Interlocked.Read(ref _opened);

    public static StrangersProcess Start(ServerUnderTest server, int addresses, int wanted)
    {
        string[] command = ["dotnet", typeof(StrangersProcess).Assembly.Location, AttackCommand.Word];
        IEnumerable<string> doors = AttackCommand.Schemes.Select(scheme => $"--{scheme}={server.At(scheme)}");
        string[] all = [.. command, .. doors, string.Create(CultureInfo.InvariantCulture, $"--addresses={addresses}"), string.Create(CultureInfo.InvariantCulture, $"--wanted={wanted}")];
        return OperatingSystem.IsWindows() ? new(all[0], all[1..]) : new("nice", ["-n", "19", .. all]);
    }

    /// <summary>They let go of everything. Throws <see cref="LoadException"/> when they had ended before.</summary>
    public Task StopAsync() => _process.HasEnded ? throw new LoadException($"The strangers ended by themselves. They said last: {_process.LastWords}") : _process.StopAsync();

    public ValueTask DisposeAsync() => _process.DisposeAsync();

    private bool Read(string line)
    {
        if (AttackCommand.TryRead(line, out var held, out var opened))
        {
            Volatile.Write(ref _held, held);
            Interlocked.Exchange(ref _opened, opened);
        }

        return true;
    }
}
