using System.Net.Http.Headers;
using System.Runtime.InteropServices;
using System.Text.Json;
using WebMessenger.Load.Generator;
using WebMessenger.Wire.Testing;

namespace WebMessenger.Load.Crash;

/// <summary>The rooms' logs as the server shows them over HTTP.</summary>
internal sealed class StoredLog(Uri server, Login login) : IDisposable
{
    private const int PageLength = 500;

    private readonly HttpClient _http = new(new SocketsHttpHandler { UseProxy = false })
    {
        BaseAddress = server,
        DefaultRequestHeaders = { Authorization = new AuthenticationHeaderValue("Bearer", login.Secret) },
    };

    public async Task<long> HeadAsync(int room, CancellationToken cancellation)
    {
        using var page = await PageAsync(room, $"limit=1", cancellation);
        return page.RootElement.GetProperty("head").GetInt64();
    }

    public async Task<IReadOnlyList<long>> HeadsAsync(int rooms, CancellationToken cancellation)
    {
        var heads = new long[rooms];
        for (var room = 0; room < rooms; room++)
        {
            heads[room] = await HeadAsync(room, cancellation);
        }

        return heads;
    }

    /// <summary>All of it.</summary>
    public async Task<StoredRoom> ReadAsync(int room, CancellationToken cancellation)
    {
        List<StoredEvent> events = [];
        while (true)
        {
            using var page = await PageAsync(room, $"limit={PageLength}&after={(events.Count == 0 ? 0 : events[^1].Seq)}", cancellation);
            var (root, before) = (page.RootElement, events.Count);
            events.AddRange(root.GetProperty("events").EnumerateArray().Select(Read));
            var head = root.GetProperty("head").GetInt64();
            if (events.Count == before || events[^1].Seq >= head)
            {
                return new StoredRoom(room, root.GetProperty("epoch").GetString()!, head, events);
            }
        }
    }

    public void Dispose() => _http.Dispose();

    private static StoredEvent Read(JsonElement stored)
    {
        var isMessage = stored.GetProperty("type").GetString() == "message";
        return new StoredEvent(
            stored.GetProperty("seq").GetInt64(),
            stored.GetProperty("epoch").GetString()!,
            isMessage,
            stored.GetProperty("id").GetString()!,
            stored.GetProperty("from").GetProperty("user").GetString()!,
            isMessage ? stored.GetProperty("text").GetString()! : "",
            HeardEvent.HashOf(JsonMarshal.GetRawUtf8Value(stored)));
    }

    private async Task<JsonDocument> PageAsync(int room, string query, CancellationToken cancellation)
    {
        using var answer = await _http.GetAsync($"/api/rooms/{RoomTopic.IdOf(room)}/events?{query}", cancellation);
        return answer.IsSuccessStatusCode
            ? await JsonDocument.ParseAsync(await answer.Content.ReadAsStreamAsync(cancellation), cancellationToken: cancellation)
            : throw new LoadException($"The history of room {room} was answered with {(int)answer.StatusCode}.");
    }
}
