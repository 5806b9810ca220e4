using System.Diagnostics;
using System.Globalization;
using WebMessenger.Broker.Settings;
using WebMessenger.Storage;
using WebMessenger.Storage.Documents;
using WebMessenger.Storage.EventLog;

namespace WebMessenger.Broker.Operator;

/// <summary>
/// `backup FOLDER`: copies both stores into a new folder, from the running server or, when none runs, from the data folder itself.
/// </summary>
/// <remarks>
/// The server makes a snapshot in its own data folder, which takes a moment;
/// this process copies it from there, so that the server writes nowhere that it is told to.
/// The copy is made under another name beside the target and renamed when it is whole.
/// </remarks>
internal sealed class BackupCommand(string dataFolder, string target, TextWriter output, TimeProvider time)
{
    private readonly string _partial = $"{target}.partial-{Guid.NewGuid():N}";

    /// <exception cref="CommandException">It was not made, and nothing is left of it.</exception>
    public async Task RunAsync(CancellationToken cancellation)
    {
        CheckTarget();
        await StoppedOrRunning.RunAsync(
            dataFolder,
            async _ =>
            {
                Say($"Backup of {dataFolder}");
                Say("No server is running: copying the files as they are");
                await CopyAsync(dataFolder, time.GetUtcNow(), static () => Task.CompletedTask, cancellation);
            },
            async link =>
            {
                Say($"Backup of {dataFolder}");
                await CopyFromServerAsync(link, cancellation);
            },
            time,
            cancellation);
    }

    private void CheckTarget()
    {
        if (IsWithin(target, dataFolder))
        {
            throw new CommandException($"{target} lies in the data folder. Choose a folder elsewhere, best on another disk.");
        }

        if (File.Exists(target) || (Directory.Exists(target) && Directory.EnumerateFileSystemEntries(target).Any()))
        {
            throw new CommandException($"{target} is there already and not empty. Choose a new folder.");
        }
    }

    private static bool IsWithin(string path, string folder) =>
        !Path.GetRelativePath(folder, path).StartsWith("..", StringComparison.Ordinal) && !Path.IsPathRooted(Path.GetRelativePath(folder, path));

    private Task CopyFromServerAsync(OperatorLink link, CancellationToken cancellation) => link.FollowAsync(
        OperatorApi.Backup,
        OperatorJson.Default.SnapshotAnswer,
        async next =>
        {
            var first = await next();
            Say($"The server (process {first.Process}) is making a snapshot");
            var made = await next();
            if (made.Error is { } error)
            {
                throw new CommandException(error);
            }

            // Before the backup counts: had the server stopped meanwhile, it would have removed the snapshot under the copying.
            await CopyAsync(
                made.Folder!, made.Begun!.Value, () => link.DeleteAsync($"{OperatorApi.Backup}/{first.Id}", cancellation), cancellation);
        },
        cancellation);

    private async Task CopyAsync(string source, DateTimeOffset begun, Func<Task> copied, CancellationToken cancellation)
    {
        var watch = Stopwatch.StartNew();
        try
        {
            MakeFolder(_partial);
            MakeFolder(DataFolder.RoomsFolderIn(_partial));
            List<BackupFile> files = [];
            var accounts = DataFolder.AccountsFileIn(source);
            foreach (var path in new[] { accounts, accounts + ".log" })
            {
                var name = Path.GetFileName(path);
                files.Add(await CheckedCopy.RunAsync(path, Path.Combine(_partial, name), name, cancellation));
            }

            Say($"Copied accounts ({Size(files)})");
            List<BackupFile> rooms = [];
            foreach (var path in RocksStore.FilesIn(DataFolder.RoomsFolderIn(source)))
            {
                var name = Path.GetFileName(path);
                rooms.Add(await CheckedCopy.RunAsync(path, Path.Combine(DataFolder.RoomsFolderIn(_partial), name), "rooms/" + name, cancellation));
            }

            Say($"Copied rooms ({Size(rooms)})");
            await copied();
            CheckCopy();
            FolderSync.Run(DataFolder.RoomsFolderIn(_partial));
            var manifest = BackupManifest.Of(begun, time.GetUtcNow(), [.. files, .. rooms]);
            manifest.Write(_partial);
            cancellation.ThrowIfCancellationRequested();
            Rename();
            Say(string.Create(CultureInfo.InvariantCulture, $"Done in {watch.Elapsed.TotalSeconds:F1} s: {Size(manifest.Files)} in {target}"));
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new CommandException($"{error.Message.TrimEnd('.')}. Nothing is left of this backup; make room or choose another folder, and try again.", error);
        }
        finally
        {
            if (Directory.Exists(_partial))
            {
                Directory.Delete(_partial, recursive: true);
            }
        }
    }

    /// <summary>
    /// Damage that shows without opening the stores; opening them would mend it,
    /// and a backup that was mended behind the operator's back is none.
    /// </summary>
    private void CheckCopy()
    {
        try
        {
            StoreCopy.ThrowIfDamaged(DataFolder.AccountsFileIn(_partial));
        }
        catch (StoreUnavailableException error)
        {
            throw new CommandException($"The accounts in {dataFolder} are damaged; keep your older backups. {error.Message}", error);
        }

        if (WalCheck.FindDamage(DataFolder.RoomsFolderIn(_partial)) is { } damage)
        {
            throw new CommandException(string.Create(
                CultureInfo.InvariantCulture,
                $"The event log in {dataFolder} is damaged ({Path.GetFileName(damage.File)} at byte {damage.At}); keep your older backups. Start the server, which keeps a copy of it and goes on with what is intact, and try again."));
        }
    }

    private static void MakeFolder(string path)
    {
        if (OperatingSystem.IsWindows())
        {
            Directory.CreateDirectory(path);
        }
        else
        {
            Directory.CreateDirectory(path, DataFolder.OwnerOnly);
        }
    }

    private void Rename()
    {
        if (Directory.Exists(target))
        {
            // It is empty, or this fails.
            Directory.Delete(target);
        }

        Directory.Move(_partial, target);
        FolderSync.Run(Path.GetDirectoryName(target)!);
    }

    private static string Size(IReadOnlyList<BackupFile> files) =>
        string.Create(CultureInfo.InvariantCulture, $"{files.Count} files, {BackupManifest.Sized(files.Sum(file => file.Bytes))}");

    private void Say(string line) => output.WriteLine(line);
}
