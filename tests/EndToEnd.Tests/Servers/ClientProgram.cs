using System.Diagnostics;
using System.Reflection;

namespace WebMessenger.EndToEnd.Tests.Servers;

/// <summary>A program that uses somebody else's MQTT client: what it prints, and its end.</summary>
internal sealed class ClientProgram : IAsyncDisposable
{
    private readonly Process _process;
    private readonly Task<string> _complaint;

    private ClientProgram(Process process)
    {
        _process = process;
        _complaint = process.StandardError.ReadToEndAsync();
    }

    /// <summary>Of the whole repository.</summary>
    public static string Root { get; } =
        typeof(ClientProgram).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>().First(attribute => attribute.Key == "Root").Value!;

    /// <param name="folder">Where it runs: Node.js looks for packages from there.</param>
    public static ClientProgram Start(string program, string folder, params IEnumerable<string> arguments)
    {
        ProcessStartInfo start = new(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true, WorkingDirectory = folder };
        return new ClientProgram(Process.Start(start) ?? throw new InvalidOperationException($"{program} did not start."));
    }

    /// <summary>Whether a program is here and ends with 0.</summary>
    public static async Task<bool> RunsAsync(string program, params string[] arguments)
    {
        try
        {
            await using var started = Start(program, Path.GetTempPath(), arguments);
            await started._process.WaitForExitAsync().WaitAsync(RawMqttClient.Patience);
            return started._process.ExitCode == 0;
        }
        catch (System.ComponentModel.Win32Exception)
        {
            return false;
        }
    }

    /// <summary>The next line that it prints; fails when it ends instead, or prints none.</summary>
    public async Task<string> LineAsync()
    {
        // Programs of others start slowly where much else runs.
        var line = await _process.StandardOutput.ReadLineAsync().WaitAsync(2 * RawMqttClient.Patience);
        if (line is null)
        {
            Assert.Fail($"It ended: {await _complaint}");
        }

        return line;
    }

    /// <summary>kill -9: it says no DISCONNECT.</summary>
    public async Task KillAsync()
    {
        _process.Kill();
        await _process.WaitForExitAsync().WaitAsync(RawMqttClient.Patience);
    }

    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited)
        {
            await KillAsync();
        }

        _process.Dispose();
    }
}
