using System.Diagnostics;
using System.Globalization;
using System.Threading.Channels;

namespace WebMessenger.EndToEnd.Tests.Servers;

/// <summary>The MQTT clients that people have in their shells: mosquitto_pub and mosquitto_sub, as installed.</summary>
internal static class Mosquitto
{
    /// <summary>Runs mosquitto_pub to its end; fails when it does not end with 0.</summary>
    public static async Task PublishAsync(ServerProcess server, params string[] arguments)
    {
        using var process = Start("mosquitto_pub", server, arguments);
        var error = process.StandardError.ReadToEndAsync();
        var output = process.StandardOutput.ReadToEndAsync();
        await process.WaitForExitAsync().WaitAsync(RawMqttClient.Patience);
        Assert.True(process.ExitCode == 0, $"mosquitto_pub ended with {process.ExitCode}: {await output}{await error}");
    }

    /// <summary>
    /// Starts mosquitto_sub for somebody who is not in the lobby yet; returns when they have come in, for then it is subscribed.
    /// (It says so itself with -d, but into a pipe only once it prints a message.)
    /// </summary>
    public static async Task<MosquittoSub> SubscribeAsync(ServerProcess server, Person person, params string[] arguments) =>
        await SubscribeAsync(server, person, await person.NewTokenAsync(), arguments);

    /// <inheritdoc cref="SubscribeAsync(ServerProcess, Person, string[])"/>
    public static async Task<MosquittoSub> SubscribeAsync(ServerProcess server, Person person, string token, IEnumerable<string> arguments)
    {
        using var witness = await Person.RegisterAsync(server, "witness");
        await using var watching = await server.PageAsync(witness.Cookie).InLobbyAsync();
        var subscriber = Subscribe(server, person, token, arguments);
        try
        {
            await watching.PublishesUntilAsync(publish => publish.Is("join", person.UserName));
            return subscriber;
        }
        catch
        {
            await subscriber.DisposeAsync();
            throw;
        }
    }

    /// <summary>Starts mosquitto_sub, and does not wait until it is subscribed.</summary>
    public static MosquittoSub Subscribe(ServerProcess server, Person person, string token, IEnumerable<string> arguments) =>
        new(Start("mosquitto_sub", server, ["-u", person.UserName, "-P", token, .. arguments]));

    private static Process Start(string program, ServerProcess server, IEnumerable<string> arguments)
    {
        ProcessStartInfo start = new(program) { RedirectStandardOutput = true, RedirectStandardError = true };
        var given = arguments.ToList();
        var port = given.Contains("--cafile") ? server.MqttOverTls.Port : server.Mqtt.Port;
        foreach (var argument in given.Concat(["-h", "127.0.0.1", "-p", port.ToString(CultureInfo.InvariantCulture)]))
        {
            start.ArgumentList.Add(argument);
        }

        return Process.Start(start) ?? throw new InvalidOperationException($"{program} did not start.");
    }
}

/// <summary>A running mosquitto_sub and the lines that it prints.</summary>
internal sealed class MosquittoSub : IAsyncDisposable
{
    private readonly Process _process;
    private readonly Channel<string> _printed = Channel.CreateUnbounded<string>();
    private readonly Task _reading;

    public MosquittoSub(Process process)
    {
        _process = process;
        _reading = Task.WhenAll(ReadAsync(process.StandardOutput), ReadAsync(process.StandardError));
    }

    /// <summary>Lines up to the first that fits, which is returned.</summary>
    public async Task<string> LineAsync(Func<string, bool> wanted)
    {
        List<string> others = [];
        while (true)
        {
            try
            {
                var line = await _printed.Reader.ReadAsync().AsTask().WaitAsync(RawMqttClient.Patience);
                if (wanted(line))
                {
                    return line;
                }

                others.Add(line);
            }
            catch (TimeoutException)
            {
                Assert.Fail($"mosquitto_sub did not print it, but:{Environment.NewLine}{string.Join(Environment.NewLine, others)}");
            }
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited)
        {
            _process.Kill();
        }

        await _reading;
        _process.Dispose();
    }

    private async Task ReadAsync(StreamReader from)
    {
        while (await from.ReadLineAsync() is { } line)
        {
            _printed.Writer.TryWrite(line);
        }
    }
}
