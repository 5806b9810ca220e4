using System.Globalization;
using System.Text;
using Microsoft.Extensions.Logging.Abstractions;
using WebMessenger.Storage.Documents;
using WebMessenger.Storage.EventLog;

namespace WebMessenger.Cluster.Tests.Moving;

/// <summary>The stores of a data folder, as a server that was used leaves them.</summary>
internal static class UsedFolder
{
    public const int Rooms = 20;

    public static string AccountsIn(string folder) => Path.Combine(folder, "accounts.db");

    public static string RoomsIn(string folder) => Path.Combine(folder, "rooms");

    /// <summary>Fills an empty one: rooms with events of many sizes and authors, with ids and without, some of them changed, truncated,
    /// used
    /// again under a new epoch; records; documents with claims.</summary>
    public static async Task FillAsync(string folder, int eventsOfRoom)
    {
        Directory.CreateDirectory(folder);
        await using (var documents = DocumentStore.Open(AccountsIn(folder)))
        {
            await documents.Documents.CommitAllAsync(Enumerable.Range(0, 2_500).Select(i => new DocumentChange.Put(
                i % 3 == 0 ? "accounts" : "rooms", $"{i:0000} é🦊", null, Encoding.UTF8.GetBytes($$"""{"name":"Élise {{i}} \"x\" \\","n":9007199254740993,"of":[{{i}},{"":null}]}"""))));
            await documents.Documents.CommitAllAsync(Enumerable.Range(0, 1_500).Select(i => new DocumentChange.Claim(i % 2 == 0 ? "look" : "email", $"a{i}", $"owner {i}")));
            await documents.Documents.CommitAllAsync(Enumerable.Range(0, 500).Select(i => new DocumentChange.Put("rooms", $"{(i * 3) + 1:0000} é🦊", null, "{}"u8.ToArray())));
            await documents.Documents.CommitAllAsync([new DocumentChange.Delete("rooms", "0001 é🦊", null)]);
        }

        await using var log = Open(folder);
        for (var room = 0; room < Rooms; room++)
        {
            await FillAsync(log, LogName.OfRoom($"room{room:00}"), room, eventsOfRoom);
        }

        await log.AppendAsync(LogName.OfRoom("gone"), "ana", "x", 1, "x"u8.ToArray());
        await log.DropAsync(LogName.OfRoom("gone"));
        await log.WriteInPartsAsync(Enumerable.Range(0, 7_000).Select(i => new RecordChange(
            [.. "m/"u8, .. Encoding.UTF8.GetBytes(i.ToString(CultureInfo.InvariantCulture)), 0, 0xFF, (byte)i], i % 5 == 0 ? [] : [0, (byte)i, 0xFF])));
    }

    public static RocksEventLog Open(string folder) => RocksEventLog.Open(RoomsIn(folder), null, TimeProvider.System, NullLogger<RocksEventLog>.Instance);

    private static async Task FillAsync(RocksEventLog log, LogName name, int room, int events)
    {
        if (room == 3)
        {
            await log.AppendAsync(name, "ana", "again", 7, "in another life"u8.ToArray());
            await log.DropAsync(name);
        }

        var appended = await Task.WhenAll(Enumerable.Range(0, events).Select(i => log.AppendAsync(
            name, $"author{i % 7}", i % 4 == 0 ? null : $"id {i} é", (UInt128)(uint)i << 70, new byte[i % 97 == 0 ? 3_000 : i % 90])));
        Assert.All(appended, one => Assert.Equal(AppendOutcome.Stored, one.Outcome));
        var changed = await log.AppendAsync(
            name, "ana", "the change", 3, "changes"u8.ToArray(),
            replacements: [new(events - 1, Encoding.UTF8.GetBytes("edited")), new(events - 2, Array.Empty<byte>())]);
        Assert.Equal(AppendOutcome.Stored, changed.Outcome);
        if (room % 5 == 0)
        {
            await log.TruncateAsync(name, events / 3);
        }

        if (room == 6)
        {
            await log.TruncateAsync(name, long.MaxValue);
        }
    }
}
