using System.Diagnostics;
using System.Globalization;
using System.Runtime.CompilerServices;
using System.Text;
using Microsoft.Extensions.Logging.Abstractions;
using WebMessenger.Storage.EventLog;

namespace WebMessenger.Storage.Tests.EventLog;

/// <summary>
/// As <see cref="AppendingChild"/>: appends without end, truncates what lies some way back, gives the disk back what it held, and writes a
/// line for each that is done.
/// </summary>
internal static class TruncatingChild
{
    private const string FolderVariable = "WEBMESSENGER_TEST_TRUNCATE_IN";
    private const string RoundVariable = "WEBMESSENGER_TEST_TRUNCATE_ROUND";
    private const int AtOnce = 50;
    private const int Kept = 500;

    public static LogName Room => LogName.OfRoom("lobby");

    /// <summary>Steps are small, so that a kill falls into them.</summary>
    public static RocksEventLogOptions Options { get; } = new() { TruncateStep = 40, TruncateSlice = 7, MemtableBytes = 64 << 10 };

    /// <summary>Starts it. Its lines: `said SEQ TEXT`, and `cut SEQ`, the first that stays.</summary>
    public static Process Start(string folder, int round)
    {
        ProcessStartInfo start = new(Environment.GetEnvironmentVariable("DOTNET_HOST_PATH") ?? "dotnet", ["exec", typeof(TruncatingChild).Assembly.Location])
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
        var log = RocksEventLog.Open(folder, Options, TimeProvider.System, NullLogger<RocksEventLog>.Instance);
        using StreamWriter lines = new(Console.OpenStandardOutput()) { AutoFlush = true };
        for (var i = 0; ; i += AtOnce)
        {
            var said = Enumerable.Range(i, AtOnce).Select(number => string.Create(CultureInfo.InvariantCulture, $"round {round} event {number}"))
                .Select(text => (Text: text, Result: log.AppendAsync(Room, "ana", text, 0, Encoding.UTF8.GetBytes(text)))).ToList();
            foreach (var (text, result) in said)
            {
                lines.WriteLine(string.Create(CultureInfo.InvariantCulture, $"said {result.GetAwaiter().GetResult().Seq} {text}"));
            }

            var cut = log.Head(Room).Head - Kept;
            if (cut > 1)
            {
                log.TruncateAsync(Room, cut).GetAwaiter().GetResult();
                lines.WriteLine(string.Create(CultureInfo.InvariantCulture, $"cut {cut}"));
            }

            if (i % (AtOnce * 8) == 0)
            {
                log.GiveBackAsync(Room).GetAwaiter().GetResult();
                lines.WriteLine("given back");
            }
        }
    }
}
