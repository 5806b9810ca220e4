using System.Buffers.Binary;
using System.Net;
using WebMessenger.Broker.Archives;
using WebMessenger.Broker.Rooms;
using WebMessenger.Broker.Tests.Admin;
using WebMessenger.Broker.Tests.Host;
using WebMessenger.Broker.Tests.Operator;
using WebMessenger.Broker.Tests.Rooms;
using static WebMessenger.Broker.Tests.Rooms.MessageTalk;

namespace WebMessenger.Broker.Tests.Archives;

/// <summary>Files that were made to say two things at once; and what an operator does by a file.</summary>
public sealed class CraftedFileTests
{
    private const int EndBytes = 22;

    [Theory]
    [InlineData(4, 2)]
    [InlineData(6, 2)]
    [InlineData(8, 4)]
    [InlineData(10, 2)]
    [InlineData(16, 4)]
    public async Task The_list_of_a_file_stands_where_its_end_says_and_nowhere_else(int place, int bytes)
    {
        await using var broker = await RunningBroker.StartAsync("--WebMessenger:Limits:ImportUnpackedMegabytes", "0");
        await broker.RegisterAsync("first");
        var zoe = await MayAllAsync(broker, "zoe");
        var names = RoomFile.Of();
        foreach (var number in Enumerable.Range(0, 2_000))
        {
            names[$"files/{number:D60}"] = "";
        }

        foreach (var file in new[] { names.Zipped(), ByZip64(names.Zipped(), place, bytes) })
        {
            var answer = await RoomFile.SendAsync(broker, zoe, file, HttpStatusCode.BadRequest);
            Assert.Matches("too much in the file|no room's file", answer.GetProperty("detail").GetString());
        }
    }

    // The end says that there is little, but for one field, which sends who reads it to the end of ZIP64, where the whole list is.
    private static byte[] ByZip64(byte[] zip, int place, int bytes)
    {
        var end = zip.AsSpan(zip.Length - EndBytes).ToArray();
        var (entries, size, list) = (BinaryPrimitives.ReadUInt16LittleEndian(end.AsSpan(10)), BinaryPrimitives.ReadUInt32LittleEndian(end.AsSpan(12)), BinaryPrimitives.ReadUInt32LittleEndian(end.AsSpan(16)));
        var record = new byte[56];
        BinaryPrimitives.WriteUInt32LittleEndian(record, 0x06064b50);
        BinaryPrimitives.WriteUInt64LittleEndian(record.AsSpan(4), 44);
        BinaryPrimitives.WriteUInt64LittleEndian(record.AsSpan(24), entries);
        BinaryPrimitives.WriteUInt64LittleEndian(record.AsSpan(32), entries);
        BinaryPrimitives.WriteUInt64LittleEndian(record.AsSpan(40), size);
        BinaryPrimitives.WriteUInt64LittleEndian(record.AsSpan(48), list);
        var locator = new byte[20];
        BinaryPrimitives.WriteUInt32LittleEndian(locator, 0x07064b50);
        BinaryPrimitives.WriteUInt64LittleEndian(locator.AsSpan(8), (ulong)zip.Length - EndBytes);
        BinaryPrimitives.WriteUInt32LittleEndian(locator.AsSpan(16), 1);
        BinaryPrimitives.WriteUInt32LittleEndian(end.AsSpan(8), 0x0001_0001);
        BinaryPrimitives.WriteUInt32LittleEndian(end.AsSpan(16), (uint)zip.Length - EndBytes);
        end.AsSpan(place, bytes).Fill(0xFF);
        return [.. zip.AsSpan(0, zip.Length - EndBytes), .. record, .. locator, .. end];
    }

    [Theory]
    [InlineData("edit", ""","of":1,"text":"LONG" """, "longer than")]
    [InlineData("edit", ""","of":1,"text":"a\u0000b" """, "U+0000")]
    [InlineData("edit", ""","of":1,"text":" " """, "needs a text")]
    [InlineData("join", ""","text":"LONG" """, "longer than")]
    [InlineData("kick", ""","target":{"user":"bea","name":"Bea","kind":"person"},"reason":"a\u0000b" """, "line 3")]
    [InlineData("message", ""","text":"LONG","text":"short" """, "line 3")]
    [InlineData("message", ""","text":"x","\u0074ext":"LONG" """, "line 3")]
    [InlineData("message", ""","text":"x","from":{"user":"zoe","name":"Zoe","kind":"person"}""", "line 3")]
    public async Task A_text_is_weighed_wherever_it_stands_and_a_field_is_there_once(string type, string fields, string why)
    {
        await using var broker = await RunningBroker.StartAsync();
        await broker.RegisterAsync("first");
        var zoe = await MayAllAsync(broker, "zoe");
        var file = RoomFile.Of();
        file[RoomFile.Events] += $$$"""{"v":1,"type":"{{{type}}}","room":"yard","seq":3,"epoch":"e1","id":"e","at":"2026-02-02T10:00:00.000Z","from":{"user":"ana","name":"Ana","kind":"person"}{{{fields.Replace("LONG", new string('x', 120_000), StringComparison.Ordinal)}}}}""" + "\n";

        var answer = await RoomFile.SendAsync(broker, zoe, file.Zipped(), HttpStatusCode.BadRequest);

        Assert.Contains(why, answer.GetProperty("detail").GetString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_the_operator_does_by_a_file_is_noted_as_his()
    {
        await using var desk = await Desk.OpenAsync();
        var target = Path.Combine(desk.Broker.DataFolder, "yard.zip");
        await File.WriteAllBytesAsync(target, RoomFile.Of().Zipped(), TestContext.Current.CancellationToken);

        await TypedCommand.DoneAsync(desk.Broker, "import", target, "--as", "ana");
        await TypedCommand.DoneAsync(desk.Broker, "export", "yard", target + "2");

        Assert.Equal(["room-export", "room-import"], await desk.ActsAsync());
        var entry = (await desk.Page.Get("/api/rooms/yard/audit")).GetProperty("entries").EnumerateArray().Single();
        Assert.Equal(("import", "operator"), (entry.Type(), entry.GetProperty("from").GetProperty("user").GetString()));
    }

    [Fact]
    public async Task A_room_of_which_not_all_could_be_put_on_the_list_is_there_and_says_who_is_missing()
    {
        GatedRecords records = new();
        await using var broker = await RunningBroker.StartAsync(records.Place);
        await broker.RegisterAsync("first");
        var (bea, dora, zoe) = (await MayAllAsync(broker, "bea"), await MayAllAsync(broker, "dora"), await MayAllAsync(broker, "zoe"));
        var file = RoomFile.Of();
        file["members.jsonl"] = string.Concat(((string[])["bea", "dora"]).Select(user => $$$"""{"user":"{{{user}}}","name":"x","role":"member","since":"2026-01-02T00:00:00.000Z"}""" + "\n"));
        var target = Path.Combine(broker.DataFolder, "yard.zip");
        await File.WriteAllBytesAsync(target, file.Zipped(), TestContext.Current.CancellationToken);
        records.FailsFor = $"m/{bea.Account.Id}/";

        var said = await TypedCommand.DoneAsync(broker, "import", target, "--as", "zoe", "--accounts", "match");

        Assert.Contains("2 members", said, StringComparison.Ordinal);
        Assert.Contains("could not be put on its list: bea.", said, StringComparison.Ordinal);
        records.FailsFor = null;
        Assert.Empty(broker.Get<WebMessenger.Storage.EventLog.IRecords>().ReadAll("import/"u8));
        await broker.RestartAsync();
        var room = broker.Room("yard");
        Assert.Equal((false, true, true), (room.IsMember(bea.Account.Id), room.IsMember(dora.Account.Id), room.IsMember(zoe.Account.Id)));
    }
}
