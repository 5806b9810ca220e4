using Serilog;
using Serilog.Core;
using WebMessenger.Broker.Settings;

namespace WebMessenger.Broker.Host;

/// <summary>The program's log: Serilog, levels from the settings. Serilog is named in this folder only.</summary>
internal static class Logging
{
    /// <param name="output">Where it is written; not closed.</param>
    public static Logger Create(IConfiguration configuration, Stream output)
    {
        try
        {
            return Build(configuration, output);
        }
        catch (InvalidOperationException error)
        {
            throw new StartupException($"A setting below Serilog cannot be read: {error.Message}", error);
        }
    }

    private static Logger Build(IConfiguration configuration, Stream output) => new LoggerConfiguration()
        .ReadFrom.Configuration(configuration)
        // The program says in one line why it cannot start; the host would add a page of stack before it.
        .Filter.ByExcluding(entry => entry.MessageTemplate.Text == "Hosting failed to start")
        .WriteTo.Sink(new UnblockedOutput(output, new LogLine()))
        .CreateLogger();
}
