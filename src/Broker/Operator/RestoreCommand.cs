using System.Diagnostics;
using System.Globalization;
using Microsoft.Extensions.Logging.Abstractions;
using WebMessenger.Auth.Passwords;
using WebMessenger.Auth.Sessions;
using WebMessenger.Broker.Settings;
using WebMessenger.Storage.Documents;
using WebMessenger.Storage.EventLog;

namespace WebMessenger.Broker.Operator;

/// <summary>
/// `restore FOLDER`: puts a backup into a data folder that has no data yet. All rooms get new epochs, so that clients read anew.
/// </summary>
/// <param name="keepsLogins">Login sessions of browsers and passwords live on, those too that have ended since the backup.</param>
internal sealed class RestoreCommand(string backup, string dataFolder, bool keepsLogins, TextWriter output, TimeProvider time)
{
    /// <exception cref="CommandException">Nothing was restored, and the data folder is as it was.</exception>
    /// <exception cref="StartupException">The data folder cannot be used.</exception>
    public async Task RunAsync(CancellationToken cancellation)
    {
        var watch = Stopwatch.StartNew();
        var manifest = BackupManifest.Read(backup);
        Say(string.Create(
            CultureInfo.InvariantCulture,
            $"Backup of {manifest.Begun.UtcDateTime:yyyy-MM-dd HH:mm:ss} UTC by version {manifest.Program}: {manifest.Files.Count} files, {BackupManifest.Sized(manifest.Bytes)}"));
        using var folder = DataFolder.OpenForRestore(dataFolder);
        try
        {
            await CopyAsync(manifest, folder, cancellation);
            await CheckAsync(folder);
            folder.RestoreIsFinished();
        }
        catch (Exception error)
        {
            folder.Clear();
            if (error is IOException or UnauthorizedAccessException)
            {
                throw new CommandException($"{error.Message.TrimEnd('.')}.", error);
            }

            throw;
        }

        Say(string.Create(CultureInfo.InvariantCulture, $"Done in {watch.Elapsed.TotalSeconds:F1} s: restored into {dataFolder}. Start the server."));
    }

    private async Task CopyAsync(BackupManifest manifest, DataFolder folder, CancellationToken cancellation)
    {
        Directory.CreateDirectory(folder.RoomsFolder);
        foreach (var file in manifest.Files)
        {
            BackupFile copied;
            var source = Path.Combine(backup, file.Path);
            try
            {
                copied = await CheckedCopy.RunAsync(source, Path.Combine(folder.FullPath, file.Path), file.Path, cancellation);
            }
            catch (Exception error) when (error is FileNotFoundException or DirectoryNotFoundException)
            {
                throw new CommandException($"The backup is damaged: {source} is missing. Use another one.", error);
            }

            if (copied != file)
            {
                throw new CommandException($"The backup is damaged: {source} is not what was backed up. Use another one.");
            }
        }

        Say("Copied; all checksums are right");
    }

    /// <summary>Opens both stores once: what would keep the server from starting shows now, and the epochs are renewed.</summary>
    private async Task CheckAsync(DataFolder folder)
    {
        RocksStore.RenewEpochsAtNextOpening(folder.RoomsFolder);
        await using (var log = RocksEventLog.Open(folder.RoomsFolder, null, time, NullLogger<RocksEventLog>.Instance))
        {
            log.Verify();
            await (keepsLogins ? RestoredSessions.KeepAllAsync(log, log) : RestoredSessions.EndAllAtStartAsync(log, log));
        }

        StoreCopy.ThrowIfDamaged(folder.AccountsFile);
        await using (var documents = DocumentStore.Open(folder.AccountsFile))
        {
            await PasswordLinks.ForgetAllAsync(documents.Documents);
        }

        Say(keepsLogins
            ? "Both stores open; all rooms have new epochs. Login sessions are kept, those too that have ended since the backup"
            : "Both stores open; all rooms have new epochs. Login sessions end at the first start: everybody signs in again");
    }

    private void Say(string line) => output.WriteLine(line);
}
