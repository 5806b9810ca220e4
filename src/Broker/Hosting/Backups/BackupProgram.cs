using System.Runtime.InteropServices;

namespace WebMessenger.Broker.Hosting.Backups;

/// <summary>What the program does instead of serving when its first argument is `backup` or `restore`.</summary>
internal static class BackupProgram
{
    private const string Usage = """
        Usage: WebMessenger backup FOLDER    copies all data into a new folder; the server may be running
               WebMessenger restore FOLDER   puts such a copy into an empty data folder; the server must not be running
        Settings may follow, such as --WebMessenger:DataFolder=/var/lib/webmessenger
        """;

    public static bool IsMeant(string[] args) => args is ["backup" or "restore", ..];

    /// <summary>Exit code: 0 done, 1 not done (one line on <paramref name="error"/> says why), 2 called wrongly.</summary>
    public static async Task<int> RunAsync(string[] args, TextWriter output, TextWriter error)
    {
        if (args is not [var command, { Length: > 0 } folder, .. var settings] || folder.StartsWith('-') || settings is [var first, ..] && !first.StartsWith('-'))
        {
            await error.WriteLineAsync(Usage);
            return 2;
        }

        using CancellationTokenSource stop = new();
        void Stop(PosixSignalContext context)
        {
            context.Cancel = true;
            stop.Cancel();
        }

        using var interrupted = PosixSignalRegistration.Create(PosixSignal.SIGINT, Stop);
        using var terminated = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Stop);
        try
        {
            var dataFolder = SettingsReader.Read(WebMessengerProgram.NewBuilder(settings).Configuration).DataFolder;
            folder = Path.GetFullPath(Path.TrimEndingDirectorySeparator(folder));
            await (command == "backup"
                ? new BackupCommand(dataFolder, folder, output, TimeProvider.System).RunAsync(stop.Token)
                : new RestoreCommand(folder, dataFolder, output, TimeProvider.System).RunAsync(stop.Token));
            return 0;
        }
        catch (Exception failure) when (failure is BackupException or StartupException or IOException)
        {
            return await FailAsync(failure.Message.ReplaceLineEndings(" "));
        }
        catch (OperationCanceledException)
        {
            return await FailAsync("Stopped; nothing is left of it.");
        }

        async Task<int> FailAsync(string why)
        {
            await error.WriteLineAsync($"{(command == "backup" ? "No backup was made" : "Nothing was restored")}. {why}");
            return 1;
        }
    }
}
