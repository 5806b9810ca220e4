using System.IO.Compression;
using System.Net;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using WebMessenger.Broker.Tests.Host;
using WebMessenger.Broker.Tests.Rooms;

namespace WebMessenger.Broker.Tests.Archives;

/// <summary>A room's file as tests take it, make it and send it.</summary>
internal sealed class RoomFile
{
    public const string Events = "events.jsonl";

    private readonly Dictionary<string, string> _parts = [];

    public string this[string part]
    {
        get => _parts[part];
        set => _parts[part] = value;
    }

    public IEnumerable<string> Parts => _parts.Keys;

    /// <summary>One that is taken, with so many messages of ana's, and nothing else.</summary>
    public static RoomFile Of(int messages = 2, string id = "yard")
    {
        RoomFile file = new()
        {
            ["room.json"] = $$$"""{"format":1,"program":"0.2.0","exportedAt":"2026-03-12T10:00:00.000Z","id":"{{{id}}}","title":"The yard","topic":"","policy":{"visibility":"public"},"createdAt":"2026-01-01T00:00:00.000Z","epoch":"e1","first":1,"head":{{{messages}}}}""",
            [Events] = string.Concat(Enumerable.Range(1, messages).Select(seq => Message(seq, $"line {seq}") + "\n")),
        };
        return file;
    }

    public static string Message(long seq, string text, string more = "", string user = "ana") =>
        $$$"""{"v":1,"type":"message","room":"yard","seq":{{{seq}}},"epoch":"e1","id":"m{{{seq}}}","at":"2026-02-01T10:00:00.{{{seq % 1000:D3}}}Z","from":{"user":"{{{user}}}","name":"Ana","kind":"person"},"text":{{{JsonSerializer.Serialize(text)}}}{{{more}}}}""";

    public static RoomFile Read(byte[] zip)
    {
        RoomFile file = new();
        using ZipArchive archive = new(new MemoryStream(zip));
        foreach (var entry in archive.Entries)
        {
            using StreamReader reader = new(entry.Open());
            file[entry.FullName] = reader.ReadToEnd();
        }

        return file;
    }

    public byte[] Zipped()
    {
        using MemoryStream bytes = new();
        using (ZipArchive archive = new(bytes, ZipArchiveMode.Create, leaveOpen: true))
        {
            foreach (var (name, text) in _parts)
            {
                using var entry = archive.CreateEntry(name).Open();
                entry.Write(Encoding.UTF8.GetBytes(text));
            }
        }

        return bytes.ToArray();
    }

    public static async Task<byte[]> TakeAsync(RunningBroker broker, Member who, string room = "yard", HttpStatusCode status = HttpStatusCode.OK)
    {
        using HttpClient http = new() { BaseAddress = broker.Http };
        http.DefaultRequestHeaders.Authorization = new("Bearer", who.Token);
        using var answer = await http.GetAsync($"/api/rooms/{room}/export", TestContext.Current.CancellationToken);
        var bytes = await answer.Content.ReadAsByteArrayAsync(TestContext.Current.CancellationToken);
        Assert.True(status == answer.StatusCode, $"{answer.StatusCode}: {Encoding.UTF8.GetString(bytes)}");
        return bytes;
    }

    /// <summary>With the cookie of a page.</summary>
    public static async Task<JsonElement> SendAsync(
        RunningBroker broker, Member who, byte[] zip, HttpStatusCode status = HttpStatusCode.Created, string query = "")
    {
        var browser = await broker.SignInAsync(who.Account);
        using HttpClient http = new(new SocketsHttpHandler { UseCookies = false }) { BaseAddress = broker.Http };
        http.DefaultRequestHeaders.Add("Cookie", $"webmessenger={browser.Secret}");
        using ByteArrayContent content = new(zip);
        content.Headers.ContentType = new("application/zip");
        using var answer = await http.PostAsync("/api/rooms/import" + query, content, TestContext.Current.CancellationToken);
        var text = await answer.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
        Assert.True(status == answer.StatusCode, $"{answer.StatusCode}: {text}");
        return JsonDocument.Parse(text).RootElement;
    }

    /// <summary>All events of a room, as HTTP shows them to somebody who is in it.</summary>
    public static async Task<List<JsonElement>> HistoryAsync(RunningBroker broker, Member who, string room = "yard")
    {
        using var calls = Calls.As(broker, who);
        return [.. (await calls.Get($"/api/rooms/{room}/events?limit=500")).GetProperty("events").EnumerateArray()];
    }

    /// <summary>Without what is another's in another room: its id, its epoch, that it was imported, and who is nobody there.</summary>
    public static string Comparable(JsonElement one)
    {
        var json = JsonNode.Parse(one.GetRawText())!.AsObject();
        foreach (var name in (string[])["room", "epoch", "imported"])
        {
            json.Remove(name);
        }

        return json.ToJsonString().Replace("\"~", "\"", StringComparison.Ordinal);
    }
}
