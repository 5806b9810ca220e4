using System.Formats.Tar;
using System.IO.Compression;
using System.Net.Http.Headers;
using System.Reflection;
using System.Text.Json;
using System.Text.RegularExpressions;
using RocksDbSharp;
using WebMessenger.Auth.Accounts;
using WebMessenger.Broker.Events;
using WebMessenger.Broker.Settings;
using WebMessenger.Storage.EventLog;
using WebMessenger.Storage.Tests.EventLog;

namespace WebMessenger.Broker.Tests.Host;

/// <summary>
/// Data that version 0.1 made: `tests/contract/data-0.1.tar.gz` has its folder, what it answered, and the access tokens of its two people.
/// </summary>
public sealed class MigrationTests : IDisposable
{
    private static readonly DateTimeOffset _madeAt = new(2026, 11, 29, 3, 0, 0, TimeSpan.Zero);

    private readonly TempFolder _first = new();
    private readonly JumpingClock _clock = new(TimeProvider.System) { Off = _madeAt - TimeProvider.System.GetUtcNow() };

    public MigrationTests()
    {
        var root = typeof(MigrationTests).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>().First(attribute => attribute.Key == "Root").Value!;
        using GZipStream packed = new(File.OpenRead(Path.Combine(root, "tests", "contract", "data-0.1.tar.gz")), CompressionMode.Decompress);
        TarFile.ExtractToDirectory(packed, _first.Path, overwriteFiles: false);
    }

    private string Made => _first.In("data");

    public void Dispose() => _first.Dispose();

    [Fact]
    public async Task Data_of_version_0_1_open_with_all_that_was_said_and_are_kept_as_they_were()
    {
        await using var broker = await RunningBroker.StartOnAsync(folder => Copy(Made, folder), _clock);
        await CheckSaidAsync(broker);

        // What was sent then and is sent again was stored once; numbers go on.
        var log = broker.Get<IEventLog>();
        var lobby = LogName.OfRoom("lobby");
        var head = log.Head(lobby);
        var ana = broker.Get<AccountDirectory>().FindByUserName("ana")!.Id;
        var again = await log.AppendAsync(lobby, ana, "m1", EventBody.ContentHash("olá, with an id", null), new byte[] { 1 });
        Assert.Equal((AppendOutcome.Duplicate, 21L, head.Epoch), (again.Outcome, again.Seq, again.Epoch));
        Assert.Equal(head.Head + 1, (await log.AppendAsync(lobby, ana, null, default, EventBody.Message(EventType.Message, new("", "ana", "Ana", "person"), "n", "new", null))).Seq);

        // Its journal begins empty: who follows begins from the logs.
        var journal = (IJournal)log;
        var page = journal.ReadJournal(null, 10);
        Assert.True(page.IsGap);
        Assert.Equal(["r/garden", "r/lobby", "r/secret"], journal.ReadLogs(null, 100).Select(name => name.Value).Where(name => name[0] == 'r'));
        Assert.Single(journal.ReadJournal(page.Next with { Number = 0 }, 10).Batches, batch => batch.Changes.Any(change => change.Log == lobby));

        // Once is enough.
        var kept = DataFolder.FirstFormatIn(DataIn(broker));
        var before = Stamps(kept);
        await broker.RestartAsync();
        await CheckSaidAsync(broker);
        Assert.Equal(before, Stamps(kept));

        // A data folder of 0.1, with all that was said.
        Assert.Equal(LogRecords.FormatBeforeJournal, FormatOf(kept));
        await using var back = await RunningBroker.StartOnAsync(folder => Copy(kept, folder), _clock);
        await CheckSaidAsync(back);
        Assert.Equal(head, back.Get<IEventLog>().Head(lobby));
    }

    [Fact]
    public async Task Ended_in_between_it_begins_anew_and_loses_nothing()
    {
        // One attempt ended while it copied, one when it had; 0.1 went on after that.
        await using var broker = await RunningBroker.StartOnAsync(
            folder =>
            {
                Copy(Made, folder);
                var kept = DataFolder.FirstFormatIn(folder);
                Copy(Made, kept);
                File.Delete(Path.Combine(kept, "accounts.db"));
                Copy(Made, kept + ".partial");
                File.WriteAllText(Path.Combine(kept + ".partial", "rooms", "CURRENT"), "half");
            },
            _clock);

        await CheckSaidAsync(broker);
        var kept = DataFolder.FirstFormatIn(DataIn(broker));
        Assert.False(Directory.Exists(kept + ".partial"));
        await using var back = await RunningBroker.StartOnAsync(folder => Copy(kept, folder), _clock);
        await CheckSaidAsync(back);
    }

    [Fact]
    public async Task Without_a_copy_nothing_is_changed_and_the_program_says_why_it_does_not_start()
    {
        var folder = "";
        byte? format = null;
        var refusal = await Assert.ThrowsAsync<StartupException>(() => RunningBroker.StartOnAsync(
            data =>
            {
                Copy(Made, data);
                // Where the copy is to be made, something is in the way.
                File.WriteAllText(DataFolder.FirstFormatIn(data) + ".partial", "");
                folder = data;
            },
            _clock,
            onFailure: () => format = FormatOf(folder)));

        Assert.Contains(folder, refusal.Message, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', refusal.Message);
        Assert.Equal(LogRecords.FormatBeforeJournal, format);
    }

    private static string DataIn(RunningBroker broker) => Path.Combine(broker.DataFolder, "data");

    private static byte FormatOf(string folder)
    {
        using var store = RocksDb.OpenReadOnly(new DbOptions(), DataFolder.RoomsFolderIn(folder), false);
        return Assert.Single(store.Get(LogRecords.FormatKey.ToArray()));
    }

    private static List<(string Path, DateTime Written, long Length)> Stamps(string folder) =>
        [.. new DirectoryInfo(folder).EnumerateFiles("*", SearchOption.AllDirectories).Select(file => (file.FullName, file.LastWriteTimeUtc, file.Length)).Order()];

    private static void Copy(string from, string to)
    {
        foreach (var file in Directory.EnumerateFiles(from, "*", SearchOption.AllDirectories))
        {
            var target = Path.Combine(to, Path.GetRelativePath(from, file));
            Directory.CreateDirectory(Path.GetDirectoryName(target)!);
            File.Copy(file, target);
        }
    }

    /// <summary>Everybody is let in as before, and hears all that 0.1 had stored, to the letter.</summary>
    private async Task CheckSaidAsync(RunningBroker broker)
    {
        var tokens = await File.ReadAllLinesAsync(_first.In("tokens"));
        await CheckSaidAsync(broker, tokens[0], "/api/rooms/lobby/events?limit=100", "lobby.json");
        await CheckSaidAsync(broker, tokens[0], "/api/rooms/garden/events?limit=100", "garden.json");
        await CheckSaidAsync(broker, tokens[0], "/api/rooms/secret/events?limit=100", "secret.json");
        await CheckSaidAsync(broker, tokens[1], "/api/whispers?limit=100", "whispers.json");
    }

    private async Task CheckSaidAsync(RunningBroker broker, string token, string path, string said)
    {
        using HttpClient http = new() { BaseAddress = broker.Http };
        http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", token);
        using var page = JsonDocument.Parse(await http.GetStringAsync(path, TestContext.Current.CancellationToken));
        using var expected = JsonDocument.Parse(await File.ReadAllTextAsync(_first.In(Path.Combine("said", said)), TestContext.Current.CancellationToken));
        var before = Events(expected);
        Assert.NotEmpty(before);
        Assert.Equal(before, Events(page).Take(before.Count));
        Assert.Equal(expected.RootElement.GetProperty("epoch").GetString(), page.RootElement.GetProperty("epoch").GetString());
    }

    // Whispers have come to say where they stand in a conversation as well.
    private static List<string> Events(JsonDocument page) =>
        [.. page.RootElement.GetProperty("events").EnumerateArray().Select(@event => Regex.Replace(@event.GetRawText(), ",\"with\":\"[a-z]+\",\"cseq\":[0-9]+,\"cepoch\":\"[a-z0-9]+\"", ""))];
}
