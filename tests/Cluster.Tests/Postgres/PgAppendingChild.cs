using System.Diagnostics;
using System.Globalization;
using System.Text;
using Microsoft.Extensions.Logging.Abstractions;
using WebMessenger.Cluster.Postgres;
using WebMessenger.Storage.EventLog;
using WebMessenger.Storage.Nodes;

namespace WebMessenger.Cluster.Tests.Postgres;

/// <summary>This executable again, as a node that may be killed: it appends without end and writes a line for each outcome.</summary>
internal static class PgAppendingChild
{
    private const string ConnectionVariable = "WEBMESSENGER_TEST_PG_APPEND_TO";
    private const string NameVariable = "WEBMESSENGER_TEST_PG_NAME";
    private const int AtOnce = 16;

    public static LogName Room => LogName.OfRoom("lobby");

    /// <summary>Prefix of the record that comes with an event: its text, in the key and as the value.</summary>
    public static byte[] RecordOfEvent => [.. "with "u8];

    /// <summary>Starts it. Its lines: `stored seq text`, or `refused 0 text`.</summary>
    public static Process Start(string connection, string name)
    {
        ProcessStartInfo start = new(Environment.GetEnvironmentVariable("DOTNET_HOST_PATH") ?? "dotnet", ["exec", typeof(PgAppendingChild).Assembly.Location])
        {
            RedirectStandardOutput = true,
            Environment = { [ConnectionVariable] = connection, [NameVariable] = name },
        };
        return Process.Start(start)!;
    }

    public static void RunIfChild()
    {
        if (Environment.GetEnvironmentVariable(ConnectionVariable) is not { } connection)
        {
            return;
        }

        var name = Environment.GetEnvironmentVariable(NameVariable)!;
        PgEventLogOptions options = new() { Patience = TimeSpan.FromMilliseconds(500) };
        var log = PgEventLog.Open(connection, options, new TestNetwork().Join(name), TimeProvider.System, NullLogger<PgEventLog>.Instance);
        using StreamWriter told = new(Console.OpenStandardOutput()) { AutoFlush = true };
        Queue<(string Text, Task<AppendResult> Result)> underWay = new();
        for (var i = 0; ; i++)
        {
            while (underWay.Count >= AtOnce)
            {
                var (text, result) = underWay.Dequeue();
                var outcome = result.GetAwaiter().GetResult().Outcome is AppendOutcome.Stored ? "stored" : "refused";
                told.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{outcome} {result.GetAwaiter().GetResult().Seq} {text}"));
            }

            var next = string.Create(CultureInfo.InvariantCulture, $"{name} {i}");
            var bytes = Encoding.UTF8.GetBytes(next);
            underWay.Enqueue((next, log.AppendAsync(Room, name, next, 0, bytes, [new([.. RecordOfEvent, .. bytes], bytes)])));
        }
    }
}
