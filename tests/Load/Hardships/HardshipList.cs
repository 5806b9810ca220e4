using System.Diagnostics;
using System.Globalization;
using WebMessenger.Load.Servers;

namespace WebMessenger.Load.Hardships;

/// <summary>The hardships that a small machine at somebody's home has sooner or later.</summary>
internal static class HardshipList
{
    private const long SmallMemory = 256L << 20;
    private const int DiskMegabytes = 96;
    private const string ClockFile = "clock";

    private static readonly TimeSpan Spell = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(50);

    internal static readonly string? FakeClock =
        Directory.Exists("/usr/lib") ? Directory.EnumerateDirectories("/usr/lib", "*-linux-gnu*").Select(folder => Path.Combine(folder, "faketime", "libfaketimeMT.so.1")).FirstOrDefault(File.Exists) : null;

    public static IReadOnlyList<Hardship> All { get; } =
    [
        new(
            "small",
            "256 MB and one processor",
            OperatingSystem.IsLinux() ? null : "Linux",
            _ => { },
            _ => ChildSetting.Plain with { Before = ["taskset", "-c", "0"], Environment = new Dictionary<string, string> { ["DOTNET_GCTotalPhysicalMemory"] = SmallMemory.ToString("x", CultureInfo.InvariantCulture) } },
            (_, cancellation) => Task.Delay(Spell, cancellation),
            SmallMemory,
            _ => { }),
        new(
            "disk",
            $"a disk of {DiskMegabytes} MB that is full for a while",
            Environment.IsPrivilegedProcess && OperatingSystem.IsLinux() ? null : "root, for a disk of its own",
            folder => Run("mount", "-t", "tmpfs", "-o", string.Create(CultureInfo.InvariantCulture, $"size={DiskMegabytes}m,mode=0700"), "webmessenger-load", folder),
            _ => ChildSetting.Plain,
            FillDiskAsync,
            0,
            folder => Run("umount", folder)),
        new(
            "output",
            "nobody reads what it writes to its standard output",
            null,
            _ => { },
            _ => ChildSetting.Plain with { Arguments = ["--Serilog:MinimumLevel:Default=Verbose", "--Serilog:MinimumLevel:Override:Microsoft.AspNetCore=Debug"] },
            LeaveUnreadAsync,
            0,
            _ => { }),
        Clock("clock-ahead", "the clock jumps ten years ahead, and back", "+3650d", "+0"),
        Clock("clock-back", "the clock is 40 days behind at the start, and is set right", "-40d", "+0", atStart: true),
        Clock("clock-jumps", "the clock goes ten years back, then ten ahead, then right", "-3650d", "+3650d", "+0"),
    ];

    private static Hardship Clock(string name, string title, string first, params string[] then) => Clock(name, title, first, false, then);

    private static Hardship Clock(string name, string title, string first, string then, bool atStart) => Clock(name, title, first, atStart, then);

    // What is said of the clock lies in a file that the library looks at again for every question.
    private static Hardship Clock(string name, string title, string first, bool atStart, params string[] then) => new(
        name,
        title,
        FakeClock is null ? "libfaketime (Debian: apt install libfaketime)" : null,
        folder => File.WriteAllText(ClockOf(folder), atStart ? first : "+0"),
        folder => ChildSetting.Plain with
        {
            Environment = new Dictionary<string, string>
            {
                ["LD_PRELOAD"] = FakeClock!,
                ["FAKETIME_TIMESTAMP_FILE"] = ClockOf(folder),
                ["FAKETIME_NO_CACHE"] = "1",
                ["FAKETIME_DONT_FAKE_MONOTONIC"] = "1",
            },
        },
        async (server, cancellation) =>
        {
            foreach (var offset in atStart ? then : [first, .. then])
            {
                await File.WriteAllTextAsync(ClockOf(server.Folder), offset, cancellation);
                await Task.Delay(Spell, cancellation);
            }
        },
        0,
        folder => File.Delete(ClockOf(folder)));

    private static string ClockOf(string folder) => folder.TrimEnd('/') + "." + ClockFile;

    // The store has made room ahead of what it writes; long texts use that up, or it would never notice.
    private static async Task FillDiskAsync(MortalServer server, CancellationToken cancellation)
    {
        var path = Path.Combine(server.Folder, "somebody-else's.file");
        using Ballast ballast = new(server.Mqtt, server.Logins[^1]);
        await using (var file = File.Create(path))
        {
            Fill(file);
            await ballast.RefusedAsync(Patience, cancellation);

            // Again and again: what the server gives up meanwhile is taken, too.
            for (var left = TimeSpan.Zero; left < Spell; left += Pause)
            {
                Fill(file);
                await Task.Delay(Pause, cancellation);
            }
        }

        File.Delete(path);
    }

    private static void Fill(FileStream file)
    {
        var block = new byte[64 << 10];
        try
        {
            while (true)
            {
                file.Write(block);
                file.Flush();
            }
        }
        catch (IOException)
        {
            // It is full.
        }
    }

    private static HttpClient HttpOf(MortalServer server) =>
        new(new SocketsHttpHandler { UseProxy = false }) { BaseAddress = server.Http, Timeout = TimeSpan.FromSeconds(10) };

    private static async Task LeaveUnreadAsync(MortalServer server, CancellationToken cancellation)
    {
        using (server.Process.StopListening())
        {
            using var http = HttpOf(server);
            for (var i = 0; i < 2_000; i++)
            {
                using var answer = await http.GetAsync("/api/rooms", cancellation);
            }

            using var health = await http.GetAsync("/health/live", cancellation);
            if (!health.IsSuccessStatusCode)
            {
                throw new LoadException($"With its output unread the health was answered with {(int)health.StatusCode}.");
            }

            await Task.Delay(Spell, cancellation);
        }
    }

    private static void Run(string program, params string[] arguments)
    {
        using var process = Process.Start(program, arguments);
        process.WaitForExit();
        if (process.ExitCode != 0)
        {
            throw new LoadException($"{program} {string.Join(' ', arguments)} ended with {process.ExitCode}.");
        }
    }
}
