using System.Globalization;
using WebMessenger.Broker.Archives;
using WebMessenger.Broker.Rooms;
using WebMessenger.Broker.Settings;
using WebMessenger.Storage;

namespace WebMessenger.Broker.Operator;

/// <summary>`export ROOM FILE`: all of a room in a file, from the running server or, when none runs, from the data folder itself.</summary>
/// <remarks>It is written under another name beside the target and renamed when it is whole.</remarks>
internal sealed class ExportCommand(string dataFolder, BrokerLimits limits, string room, string target, TextWriter output, TimeProvider time)
{
    private const int BufferBytes = 64 * 1024;

    private static readonly TimeSpan _betweenLines = TimeSpan.FromSeconds(5);

    private readonly string _partial = $"{target}.partial-{Guid.NewGuid():N}";
    private long _lastLine = time.GetTimestamp();

    /// <exception cref="CommandException">It was not written, and nothing is left of it.</exception>
    public async Task RunAsync(CancellationToken cancellation)
    {
        if (Path.Exists(target))
        {
            throw new CommandException($"{target} is there already. Choose a new file.");
        }

        try
        {
            await StoppedOrRunning.RunAsync(
                dataFolder,
                folder => WriteAsync(file => WriteStoppedAsync(folder, file, cancellation)),
                link => WriteAsync(file => link.DownloadAsync(
                    OperatorApi.Export, new ExportRequest(room), OperatorJson.Default.ExportRequest, file, bytes => Tell($"{BackupManifest.Sized(bytes)} are written"), cancellation)),
                time,
                cancellation);
        }
        catch (ArchiveException error)
        {
            throw new CommandException(error.Message, error);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new CommandException($"{error.Message.TrimEnd('.')}. Nothing is left of it.", error);
        }
        finally
        {
            File.Delete(_partial);
        }
    }

    private async Task WriteAsync(Func<FileStream, Task> write)
    {
        FileStreamOptions options = new() { Mode = FileMode.CreateNew, Access = FileAccess.Write, BufferSize = BufferBytes, Options = FileOptions.Asynchronous };
        if (!OperatingSystem.IsWindows())
        {
            // What people said to each other is for nobody else on the machine.
            options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        }

        long bytes;
        await using (FileStream file = new(_partial, options))
        {
            await write(file);
            file.Flush(flushToDisk: true);
            bytes = file.Length;
        }

        File.Move(_partial, target);
        FolderSync.Run(Path.GetDirectoryName(target)!);
        output.WriteLine($"The room {room} is in {target}: {BackupManifest.Sized(bytes)}.");
    }

    private async Task WriteStoppedAsync(DataFolder folder, FileStream file, CancellationToken cancellation)
    {
        await using var accounts = await StoppedAccounts.OpenAsync(folder, time);
        RoomStore store = new(accounts.Documents);
        var rooms = await new ChangedRooms(accounts.Log).BringUpAsync((await store.LoadAsync()).Rooms, store);
        var record = rooms.FirstOrDefault(one => one.Id.Value == room) ?? throw new CommandException($"There is no room {Events.PlainLine.Of(room)}.");
        RoomExport export = new(accounts.Log, accounts.Log, accounts.Auth.Accounts, limits, time);
        await export.WriteAsync(
            record, file, bytesPerSecond: 0, (done, all) => Tell(string.Create(CultureInfo.InvariantCulture, $"{done} of {all} events are written")), cancellation);
    }

    private void Tell(string line)
    {
        if (time.GetElapsedTime(_lastLine) >= _betweenLines)
        {
            _lastLine = time.GetTimestamp();
            output.WriteLine(line);
        }
    }
}
