using System.Net;
using System.Runtime.Versioning;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.Extensions.Logging.Abstractions;
using WebMessenger.Broker.Host;
using WebMessenger.Broker.Operator;
using WebMessenger.Broker.Settings;
using WebMessenger.Broker.Tests.Host;
using WebMessenger.Storage.Documents;
using WebMessenger.Storage.EventLog;
using WebMessenger.Storage.Tests.EventLog;

namespace WebMessenger.Broker.Tests.Operator;

/// <summary>What backup and restore refuse, and what they leave behind when they do: nothing.</summary>
public sealed class BackupTests : BackupFixture
{
    [Fact]
    public async Task What_was_backed_up_is_restored_with_another_epoch()
    {
        var epoch = await FillAsync();
        await BackUpAsync();
        await RestoreAsync();

        await using (var log = OpenLog(Restored))
        {
            Assert.Equal(["hello"], Texts(log));
            Assert.NotEqual(epoch, log.Head(Lobby).Epoch);
            Assert.Equal("kept", Encoding.UTF8.GetString(log.Find("beside"u8)!));
        }

        await using (var documents = DocumentStore.Open(DataFolder.AccountsFileIn(Restored)))
        {
            Assert.Equal("ana", (await documents.Documents.PageAsync("people", null, 2)).Single().Id);
        }

        // What was backed up is as it was.
        await using var original = OpenLog(Data);
        Assert.Equal(epoch, original.Head(Lobby).Epoch);
    }

    [Fact]
    public async Task Each_damaged_file_of_a_backup_is_found_and_nothing_is_restored()
    {
        await FillAsync();
        await BackUpAsync();
        var files = Directory.EnumerateFiles(Backup, "*", SearchOption.AllDirectories).Where(path => new FileInfo(path).Length > 0 && Path.GetFileName(path) != "manifest.json").ToList();
        Assert.True(files.Count >= 5);
        foreach (var path in files)
        {
            var whole = await File.ReadAllBytesAsync(path, TestContext.Current.CancellationToken);
            var flipped = (byte[])whole.Clone();
            flipped[whole.Length / 2] ^= 1;
            foreach (var damaged in new[] { flipped, whole[..^1], [.. whole, 0] })
            {
                await File.WriteAllBytesAsync(path, damaged, TestContext.Current.CancellationToken);
                Assert.Contains($"{path} is not what was backed up", await RefusedRestoreAsync(), StringComparison.Ordinal);
            }

            File.Delete(path);
            Assert.Contains($"{path} is missing", await RefusedRestoreAsync(), StringComparison.Ordinal);
            await File.WriteAllBytesAsync(path, whole, TestContext.Current.CancellationToken);
        }

        // The guard is not just against everything.
        await RestoreAsync();
    }

    [Fact]
    public async Task AFolder_without_its_manifest_is_no_backup()
    {
        await FillAsync();
        await BackUpAsync();
        File.Delete(Path.Combine(Backup, "manifest.json"));

        Assert.Contains("is no backup, or one that was not finished", await RefusedRestoreAsync(), StringComparison.Ordinal);
        Assert.Contains("is no backup", await RefusedRestoreAsync(Folder.In("nowhere")), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("is damaged", "files", 0, "path", "rooms/../../outside")]
    [InlineData("is damaged", "files", 0, "path", "/etc/passwd")]
    [InlineData("is damaged", "files", 0, "path", "lock")]
    [InlineData("is damaged", "files", 0, "path", "accounts.db.log")]
    [InlineData("is damaged", "files", 0, "sha256", null)]
    [InlineData("is damaged", "format", -1, null, "0")]
    [InlineData("is damaged", "files", -1, null, "[]")]
    [InlineData("is damaged", "format", -1, null, null)]
    [InlineData("newer than this one", "format", -1, null, "2")]
    [InlineData("newer than this one", "eventsFormat", -1, null, "3")]
    public async Task A_manifest_that_cannot_be_is_refused(string why, string property, int item, string? of, string? value)
    {
        await FillAsync();
        await BackUpAsync();
        var path = Path.Combine(Backup, "manifest.json");
        var manifest = JsonNode.Parse(await File.ReadAllTextAsync(path, TestContext.Current.CancellationToken))!.AsObject();
        if (of is not null)
        {
            manifest[property]![item]![of] = value;
        }
        else if (value is null)
        {
            manifest.Remove(property);
        }
        else
        {
            manifest[property] = JsonNode.Parse(value);
        }

        await File.WriteAllTextAsync(path, manifest.ToJsonString(), TestContext.Current.CancellationToken);

        Assert.Contains(why, await RefusedRestoreAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_manifest_that_is_no_JSON_is_refused()
    {
        await FillAsync();
        await BackUpAsync();
        var path = Path.Combine(Backup, "manifest.json");
        await File.WriteAllTextAsync(path, (await File.ReadAllTextAsync(path, TestContext.Current.CancellationToken))[..^2], TestContext.Current.CancellationToken);

        Assert.Contains("is damaged", await RefusedRestoreAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_backup_goes_into_aFolder_that_is_new_or_empty_and_never_into_the_data()
    {
        Assert.Contains("There is no data in", await RefusedBackupAsync(Backup), StringComparison.Ordinal);
        Assert.False(Directory.Exists(Data));

        await FillAsync();
        Assert.Contains("lies in the data folder", await RefusedBackupAsync(Path.Combine(Data, "backup")), StringComparison.Ordinal);
        Assert.Contains("lies in the data folder", await RefusedBackupAsync(Data), StringComparison.Ordinal);
        var file = Folder.In("file");
        await File.WriteAllTextAsync(file, "mine", TestContext.Current.CancellationToken);
        Assert.Contains("not empty", await RefusedBackupAsync(file), StringComparison.Ordinal);
        Assert.Contains("not empty", await RefusedBackupAsync(Folder.Path), StringComparison.Ordinal);
        Assert.Equal("mine", await File.ReadAllTextAsync(file, TestContext.Current.CancellationToken));

        Directory.CreateDirectory(Backup);
        await BackUpAsync();
        Assert.True(File.Exists(Path.Combine(Backup, "manifest.json")));
    }

    [Fact]
    public async Task A_backup_that_is_stopped_leaves_nothing()
    {
        await FillAsync();
        using CancellationTokenSource stop = new();
        StopAt output = new("Copied accounts", stop);

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => new BackupCommand(Data, Backup, output, TimeProvider.System).RunAsync(stop.Token));

        Assert.Equal([Data], Directory.EnumerateFileSystemEntries(Folder.Path));
        await BackUpAsync();
    }

    [Fact]
    public async Task A_restore_that_is_stopped_leaves_nothing()
    {
        await FillAsync();
        await BackUpAsync();
        using CancellationTokenSource stop = new();
        StopAt output = new("Backup of", stop);

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => new RestoreCommand(Backup, Restored, keepsLogins: false, output, TimeProvider.System).RunAsync(stop.Token));

        AssertEmpty(Restored);
        await RestoreAsync();
    }

    [Fact]
    public async Task What_a_killed_restore_leaves_is_not_taken_for_data_and_goes_with_the_next_one()
    {
        await FillAsync();
        await BackUpAsync();
        // As it is left: the mark, and some of the files.
        DataFolder.OpenForRestore(Restored).Dispose();
        Directory.CreateDirectory(DataFolder.RoomsFolderIn(Restored));
        await File.WriteAllTextAsync(DataFolder.AccountsFileIn(Restored), "half", TestContext.Current.CancellationToken);
        await File.WriteAllTextAsync(Path.Combine(DataFolder.RoomsFolderIn(Restored), "000099.sst"), "half", TestContext.Current.CancellationToken);

        Assert.Contains("was not restored to the end", Assert.Throws<StartupException>(() => DataFolder.Open(Restored)).Message, StringComparison.Ordinal);

        await RestoreAsync();
        Assert.False(File.Exists(Path.Combine(DataFolder.RoomsFolderIn(Restored), "000099.sst")));
        DataFolder.Open(Restored).Dispose();
    }

    [Fact]
    public async Task Damaged_accounts_are_not_backed_up()
    {
        await FillAsync();
        var path = DataFolder.AccountsFileIn(Data);
        var bytes = await File.ReadAllBytesAsync(path, TestContext.Current.CancellationToken);
        bytes[^100] ^= 1;
        await File.WriteAllBytesAsync(path, bytes, TestContext.Current.CancellationToken);

        Assert.Contains($"The accounts in {Data} are damaged", await RefusedBackupAsync(Backup), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_damaged_event_log_is_not_backed_up()
    {
        await FillAsync();
        var path = Directory.GetFiles(DataFolder.RoomsFolderIn(Data), "*.log").MaxBy(path => new FileInfo(path).Length)!;
        var bytes = await File.ReadAllBytesAsync(path, TestContext.Current.CancellationToken);
        bytes[10] ^= 1;
        await File.WriteAllBytesAsync(path, bytes, TestContext.Current.CancellationToken);

        Assert.Contains($"The event log in {Data} is damaged ({Path.GetFileName(path)} at byte 0)", await RefusedBackupAsync(Backup), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_damaged_table_is_found_when_it_is_restored()
    {
        await FillAsync();
        // Opening moves what is in the write-ahead log into a table.
        await OpenLog(Data).DisposeAsync();
        var table = Assert.Single(Directory.GetFiles(DataFolder.RoomsFolderIn(Data), "*.sst"));
        var bytes = await File.ReadAllBytesAsync(table, TestContext.Current.CancellationToken);
        bytes[20] ^= 1;
        await File.WriteAllBytesAsync(table, bytes, TestContext.Current.CancellationToken);
        await BackUpAsync();

        Assert.Contains(Path.GetFileName(table), await RefusedRestoreAsync(), StringComparison.Ordinal);
    }

    private sealed class StopAt(string beginning, CancellationTokenSource stop) : StringWriter
    {
        public override void WriteLine(string? value)
        {
            if (value!.StartsWith(beginning, StringComparison.Ordinal))
            {
                stop.Cancel();
            }
        }
    }
}
