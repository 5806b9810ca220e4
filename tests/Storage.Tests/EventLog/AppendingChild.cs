using System.Diagnostics;
using System.Globalization;
using System.Runtime.CompilerServices;
using System.Text;
using Microsoft.Extensions.Logging.Abstractions;
using WebMessenger.Storage.EventLog;

namespace WebMessenger.Storage.Tests.EventLog;

/// <summary>
/// This executable again, as a process that may be killed: it appends without end and writes a line for each acknowledgement.
/// Each event brings a record with it, and after each comes a write of two records that belong together.
/// </summary>
/// <remarks>
/// It runs in the module's initializer, before xunit.
/// No other thread may enter this assembly meanwhile, so what runs on the log thread and on the pool is the program's own code alone.
/// </remarks>
internal static class AppendingChild
{
    private const string FolderVariable = "WEBMESSENGER_TEST_APPEND_TO";

    private const string RoundVariable = "WEBMESSENGER_TEST_ROUND";

    private const int AtOnce = 16;

    public static LogName Room => LogName.OfRoom("lobby");

    /// <summary>Prefix of the record that comes with an event: its text, in the key and as the value.</summary>
    public static byte[] RecordOfEvent => [.. "with "u8];

    /// <summary>Two records of the text of the last event before them, written together.</summary>
    public static byte[] FirstOfPair => [.. "pair 1"u8];

    public static byte[] SecondOfPair => [.. "pair 2"u8];

    /// <summary>Starts it. Its lines: `seq text`.</summary>
    public static Process Start(string folder, int round)
    {
        ProcessStartInfo start = new(Environment.GetEnvironmentVariable("DOTNET_HOST_PATH") ?? "dotnet", ["exec", typeof(AppendingChild).Assembly.Location])
        {
            RedirectStandardOutput = true,
            Environment = { [FolderVariable] = folder, [RoundVariable] = round.ToString(CultureInfo.InvariantCulture) },
        };
        return Process.Start(start)!;
    }

    [ModuleInitializer]
    internal static void RunIfChild()
    {
        if (Environment.GetEnvironmentVariable(FolderVariable) is not { } folder)
        {
            return;
        }

        var round = Environment.GetEnvironmentVariable(RoundVariable);
        var log = RocksEventLog.Open(folder, null, TimeProvider.System, NullLogger<RocksEventLog>.Instance);
        using StreamWriter acknowledged = new(Console.OpenStandardOutput()) { AutoFlush = true };
        Queue<(string Text, Task<AppendResult> Result, Task Written)> underWay = new();
        for (var i = 0; ; i++)
        {
            while (underWay.Count >= AtOnce)
            {
                var (text, result, written) = underWay.Dequeue();
                written.GetAwaiter().GetResult();
                acknowledged.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{result.GetAwaiter().GetResult().Seq} {text}"));
            }

            var next = string.Create(CultureInfo.InvariantCulture, $"round {round} event {i}");
            var bytes = Encoding.UTF8.GetBytes(next);
            var appended = log.AppendAsync(Room, "ana", next, 0, bytes, [new([.. RecordOfEvent, .. bytes], bytes)]);
            underWay.Enqueue((next, appended, log.WriteAsync([new(FirstOfPair, bytes), new(SecondOfPair, bytes)])));
        }
    }
}
