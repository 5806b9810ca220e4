using System.Net;
using System.Runtime.Versioning;
using System.Text.Json;
using WebMessenger.Broker.Host;
using WebMessenger.Broker.Operator;
using WebMessenger.Broker.Settings;
using WebMessenger.Broker.Tests.Host;

namespace WebMessenger.Broker.Tests.Operator;

/// <summary>How a running server is asked for a copy of its data, by whom, and what is left when an asker goes away.</summary>
public sealed class BackupDoorTests : BackupFixture
{
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
    public async Task A_dataFolder_with_a_long_path_is_backed_up_too()
    {
        // Longer than the address of a socket may be.
        var data = Folder.In(string.Join('/', Enumerable.Repeat("a-long-name-of-a-folder", 6)));
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

    [UnsupportedOSPlatform("windows")]
    private static void AssertOwnerOnly(string folder)
    {
        const UnixFileMode others = ~(UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        Assert.Equal(DataFolder.OwnerOnly, File.GetUnixFileMode(folder));
        var entries = Directory.EnumerateFileSystemEntries(folder, "*", SearchOption.AllDirectories).ToList();
        Assert.NotEmpty(entries);
        Assert.All(entries, entry => Assert.True((File.GetUnixFileMode(entry) & others) == 0, entry));
    }

    private static async Task<Asker> AskAsync(string data)
    {
        var http = OperatorSocketClient.Http(data);
        using HttpRequestMessage request = new(HttpMethod.Post, OperatorApi.Backup);
        var answer = await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, TestContext.Current.CancellationToken);
        return new Asker(http, new(await answer.Content.ReadAsStreamAsync(TestContext.Current.CancellationToken)));
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
}
