using Serilog;
using Serilog.Core;
using WebMessenger.Broker.Settings;

namespace WebMessenger.Broker.Host;

/// <summary>The program's log: Serilog to standard output, levels from the settings. Serilog is named in this folder only.</summary>
internal static class Logging
{
    public static Logger Create(IConfiguration configuration)
    {
        try
        {
            return Build(configuration);
        }
        catch (InvalidOperationException error)
        {
            throw new StartupException($"A setting below Serilog cannot be read: {error.Message}", error);
        }
    }

    private static Logger Build(IConfiguration configuration) => new LoggerConfiguration()
        .ReadFrom.Configuration(configuration)
        // The program says in one line why it cannot start; the host would add a page of stack before it.
        .Filter.ByExcluding(entry => entry.MessageTemplate.Text == "Hosting failed to start")
        .WriteTo.Sink(new UnblockedOutput(Console.OpenStandardOutput(), new LogLine()))
        .CreateLogger();
}
