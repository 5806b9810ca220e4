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
public sealed class BackupTests : IDisposable
{
    private static readonly LogName Lobby = LogName.OfRoom("lobby");

    private readonly TempFolder _folder = new();

    private string Data => _folder.In("data");

    private string Backup => _folder.In("backup");

    private string Restored => _folder.In("restored");

    public void Dispose() => _folder.Dispose();

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
    public async Task A_folder_without_its_manifest_is_no_backup()
    {
        await FillAsync();
        await BackUpAsync();
        File.Delete(Path.Combine(Backup, "manifest.json"));

        Assert.Contains("is no backup, or one that was not finished", await RefusedRestoreAsync(), StringComparison.Ordinal);
        Assert.Contains("is no backup", await RefusedRestoreAsync(_folder.In("nowhere")), StringComparison.Ordinal);
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
    public async Task A_backup_goes_into_a_folder_that_is_new_or_empty_and_never_into_the_data()
    {
        Assert.Contains("There is no data in", await RefusedBackupAsync(Backup), StringComparison.Ordinal);
        Assert.False(Directory.Exists(Data));

        await FillAsync();
        Assert.Contains("lies in the data folder", await RefusedBackupAsync(Path.Combine(Data, "backup")), StringComparison.Ordinal);
        Assert.Contains("lies in the data folder", await RefusedBackupAsync(Data), StringComparison.Ordinal);
        var file = _folder.In("file");
        await File.WriteAllTextAsync(file, "mine", TestContext.Current.CancellationToken);
        Assert.Contains("not empty", await RefusedBackupAsync(file), StringComparison.Ordinal);
        Assert.Contains("not empty", await RefusedBackupAsync(_folder.Path), StringComparison.Ordinal);
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

        Assert.Equal([Data], Directory.EnumerateFileSystemEntries(_folder.Path));
        await BackUpAsync();
    }

    [Fact]
    public async Task A_restore_that_is_stopped_leaves_nothing()
    {
        await FillAsync();
        await BackUpAsync();
        using CancellationTokenSource stop = new();
        StopAt output = new("Backup of", stop);

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => new RestoreCommand(Backup, Restored, output, TimeProvider.System).RunAsync(stop.Token));

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

    [Fact]
    public async Task Attack_74_the_data_the_socket_in_it_and_a_backup_are_their_owners_alone()
    {
        if (OperatingSystem.IsWindows())
        {
            Assert.Skip("Windows has other rights.");
            return;
        }

        await using var broker = await RunningBroker.StartAsync();
        var ana = await broker.RegisterAsync("ana");
        await using (var client = await broker.ConnectAsync(ana))
        {
            await client.PublishAsync("rooms/lobby", "hello");
        }

        using var asker = await AskAsync(broker.Program.DataFolder);
        var snapshot = await asker.Made();
        AssertOwnerOnly(broker.Program.DataFolder);
        Assert.NotEmpty(Directory.EnumerateFiles(DataFolder.RoomsFolderIn(snapshot)));
        await asker.SayDone();

        Assert.Equal((0, ""), await RunAsync("backup", Backup, broker.Program.DataFolder));
        AssertOwnerOnly(Backup);
        Assert.Equal((0, ""), await RunAsync("restore", Backup, Restored));
        AssertOwnerOnly(Restored);
    }

    [Fact]
    public async Task One_backup_at_a_time_and_what_an_asker_that_went_away_asked_for_is_removed()
    {
        await using var broker = await RunningBroker.StartAsync();
        var data = broker.Program.DataFolder;
        string snapshot;
        using (var first = await AskAsync(data))
        {
            snapshot = await first.Made();
            Assert.True(File.Exists(DataFolder.AccountsFileIn(snapshot)));
            var (code, error) = await RunAsync("backup", Backup, data);
            Assert.Equal(1, code);
            Assert.Contains("Another backup is being made", error, StringComparison.Ordinal);
            Assert.False(Directory.Exists(Backup));
        }

        // The server learns of it by the end of the connection, and a backup asked for before that is refused.
        (int Code, string Error) next;
        do
        {
            next = await RunAsync("backup", Backup, data);
        }
        while (next.Error.Contains("Another backup", StringComparison.Ordinal));
        Assert.Equal((0, ""), next);
        Assert.False(Directory.Exists(snapshot));
    }

    [Fact]
    public async Task A_data_folder_with_a_long_path_is_backed_up_too()
    {
        // Longer than the address of a socket may be.
        var data = _folder.In(string.Join('/', Enumerable.Repeat("a-long-name-of-a-folder", 6)));
        var program = await WebMessengerProgram.StartAsync(
            ["--Urls=http://127.0.0.1:0", "--WebMessenger:Mqtt:Port=0", $"--WebMessenger:DataFolder={data}", "--Serilog:MinimumLevel:Default=Error"]);
        await using (program)
        {
            Assert.Equal((0, ""), await RunAsync("backup", Backup, data));
        }

        Assert.Equal((0, ""), await RunAsync("restore", Backup, Restored));
    }

    [Fact]
    public async Task A_snapshot_that_a_killed_server_left_goes_at_the_next_start()
    {
        await using var broker = await RunningBroker.StartAsync();
        var data = broker.Program.DataFolder;
        await broker.Program.StopAsync();
        Assert.False(File.Exists(DataFolder.ControlSocketIn(data)));
        Directory.CreateDirectory(DataFolder.SnapshotFolderIn(data));
        await File.WriteAllTextAsync(Path.Combine(DataFolder.SnapshotFolderIn(data), "left"), "", TestContext.Current.CancellationToken);
        await File.WriteAllTextAsync(DataFolder.ControlSocketIn(data), "", TestContext.Current.CancellationToken);
        await broker.RestartAsync();

        // The first answer at the socket comes after the cleaning.
        Assert.Equal((0, ""), await RunAsync("backup", Backup, data));
        Assert.False(Directory.Exists(DataFolder.SnapshotFolderIn(data)));
    }

    private static RocksEventLog OpenLog(string data) =>
        RocksEventLog.Open(DataFolder.RoomsFolderIn(data), null, TimeProvider.System, NullLogger<RocksEventLog>.Instance);

    private static List<string> Texts(RocksEventLog log) => [.. log.ReadAfter(Lobby, 0, 1_000).Entries.Select(entry => Encoding.UTF8.GetString(entry.Body.Span))];

    [UnsupportedOSPlatform("windows")]
    private static void AssertOwnerOnly(string folder)
    {
        const UnixFileMode others = ~(UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        Assert.Equal(DataFolder.OwnerOnly, File.GetUnixFileMode(folder));
        var entries = Directory.EnumerateFileSystemEntries(folder, "*", SearchOption.AllDirectories).ToList();
        Assert.NotEmpty(entries);
        Assert.All(entries, entry => Assert.True((File.GetUnixFileMode(entry) & others) == 0, entry));
    }

    /// <summary>Nothing but the lock.</summary>
    private static void AssertEmpty(string folder) =>
        Assert.DoesNotContain(Directory.Exists(folder) ? Directory.EnumerateFileSystemEntries(folder) : [], entry => Path.GetFileName(entry) != "lock");

    private static async Task<(int Code, string Error)> RunAsync(string command, string folder, string data)
    {
        StringWriter error = new();
        var code = await CommandProgram.RunAsync([command, folder, $"--WebMessenger:DataFolder={data}"], TextWriter.Null, error);
        return (code, error.ToString());
    }

    private static async Task<Asker> AskAsync(string data)
    {
        var http = OperatorSocketClient.Http(data);
        using HttpRequestMessage request = new(HttpMethod.Post, OperatorApi.Backup);
        var answer = await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, TestContext.Current.CancellationToken);
        return new Asker(http, new(await answer.Content.ReadAsStreamAsync(TestContext.Current.CancellationToken)));
    }

    /// <summary>One event with a record beside it, one document; closed in order. Gives the epoch.</summary>
    private async Task<string> FillAsync()
    {
        DataFolder.Open(Data).Dispose();
        await using var documents = DocumentStore.Open(DataFolder.AccountsFileIn(Data));
        await documents.Documents.CommitAllAsync([new DocumentChange.Put("people", "ana", 0, "{}"u8.ToArray())]);
        await using var log = OpenLog(Data);
        var said = await log.AppendAsync(Lobby, "ana", "m1", 0, Encoding.UTF8.GetBytes("hello"), [new([.. "beside"u8], [.. "kept"u8])]);
        Assert.Equal(AppendOutcome.Stored, said.Outcome);
        return said.Epoch;
    }

    private async Task BackUpAsync() => Assert.Equal((0, ""), await RunAsync("backup", Backup, Data));

    private async Task RestoreAsync() => Assert.Equal((0, ""), await RunAsync("restore", Backup, Restored));

    /// <summary>Why a restore was refused; nothing may be left of it.</summary>
    private async Task<string> RefusedRestoreAsync(string? backup = null)
    {
        var (code, error) = await RunAsync("restore", backup ?? Backup, Restored);
        Assert.Equal(1, code);
        Assert.Single(error.Trim().Split('\n'));
        AssertEmpty(Restored);
        return error;
    }

    private async Task<string> RefusedBackupAsync(string target)
    {
        var before = Directory.EnumerateFileSystemEntries(_folder.Path).Order().ToList();
        var (code, error) = await RunAsync("backup", target, Data);
        Assert.Equal(1, code);
        Assert.Single(error.Trim().Split('\n'));
        Assert.Equal(before, Directory.EnumerateFileSystemEntries(_folder.Path).Order());
        return error;
    }

    private sealed class Asker(HttpClient http, StreamReader lines) : IDisposable
    {
        private string? _id;

        /// <summary>Where the snapshot is.</summary>
        public async Task<string> Made()
        {
            var first = await ReadAsync();
            Assert.Equal(Environment.ProcessId, first.Process);
            _id = first.Id;
            return (await ReadAsync()).Folder!;
        }

        public async Task SayDone()
        {
            using var done = await http.DeleteAsync($"{OperatorApi.Backup}/{_id}", TestContext.Current.CancellationToken);
            Assert.Equal(HttpStatusCode.NoContent, done.StatusCode);
            Assert.Null(await lines.ReadLineAsync(TestContext.Current.CancellationToken));
            using var again = await http.DeleteAsync($"{OperatorApi.Backup}/{_id}", TestContext.Current.CancellationToken);
            Assert.Equal(HttpStatusCode.Conflict, again.StatusCode);
        }

        public void Dispose()
        {
            lines.Dispose();
            http.Dispose();
        }

        private async Task<SnapshotAnswer> ReadAsync() => JsonSerializer.Deserialize(
            (await lines.ReadLineAsync(TestContext.Current.CancellationToken))!, OperatorJson.Default.SnapshotAnswer)!;
    }

    /// <summary>Cancels when a line that begins so is written.</summary>
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
