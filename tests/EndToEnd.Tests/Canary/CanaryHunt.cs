using System.Net.Http.Json;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using WebMessenger.EndToEnd.Tests.Servers;

namespace WebMessenger.EndToEnd.Tests.Canary;

/// <summary>Looks for the canary in everything that the server says and keeps.</summary>
internal static class CanaryHunt
{
    private const string Purge = "/api/operator/v1/purge";

    private static readonly string[] _pages =
        ["", "limit=500", "view=lines&limit=500", "after=0&limit=500", "before=1000000&limit=500", "around=2", "at=2020-01-01"];

    /// <summary>Of a server that logs everything.</summary>
    public static string[] Settings { get; } =
        [.. SharedServer.NoLimits, "Serilog:MinimumLevel:Default=Verbose"];

    /// <summary>It is in no answer and no delivery; the index follows by half a second.</summary>
    public static async Task AssertGoneAsync(ServerProcess server, CanaryTalk talk)
    {
        var began = TimeProvider.System.GetTimestamp();
        IReadOnlyList<string> found;
        while ((found = await InAnswersAsync(talk)).Count > 0)
        {
            Assert.True(TimeProvider.System.GetElapsedTime(began) < RawMqttClient.Patience, string.Join(Environment.NewLine, found));
        }

        Assert.DoesNotContain(talk.Word, await InDeliveriesAsync(server, talk), StringComparison.Ordinal);
    }

    /// <summary>What is looked for in files would be found there. A node has nothing of it in its folder at any time.</summary>
    public static void AssertInFiles(ServerProcess server, CanaryTalk talk) => Assert.Equal(Companion.IsWanted, InFiles(server.DataFolder, talk.Word).Count == 0);

    /// <summary>It is in no file, once the index has followed.</summary>
    public static async Task AssertInNoFileAsync(ServerProcess server, CanaryTalk talk)
    {
        using CancellationTokenSource patience = new(RawMqttClient.Patience);
        using PeriodicTimer again = new(TimeSpan.FromMilliseconds(50));
        IReadOnlyList<string> found;
        while ((found = InFiles(server.DataFolder, talk.Word)).Count > 0)
        {
            Assert.False(patience.IsCancellationRequested, string.Join(Environment.NewLine, found));
            await again.WaitForNextTickAsync();
        }
    }

    public static HttpClient OperatorDoor(string dataFolder) => new(new SocketsHttpHandler
    {
        ConnectCallback = async (_, cancellation) =>
        {
            Socket socket = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
            await socket.ConnectAsync(new UnixDomainSocketEndPoint(Path.Combine(dataFolder, "control.socket")), cancellation);
            return new NetworkStream(socket, ownsSocket: true);
        },
    })
    {
        BaseAddress = new("http://localhost"),
    };

    /// <summary>Has the server begin to write its files anew.</summary>
    public static async Task BeginPurgeAsync(HttpClient door) => (await door.PostAsJsonAsync(Purge, new { })).EnsureSuccessStatusCode();

    public static async Task PurgedAsync(HttpClient door)
    {
        using CancellationTokenSource patience = new(RawMqttClient.Patience);
        using PeriodicTimer again = new(TimeSpan.FromMilliseconds(5));
        JsonElement answer;
        while ((answer = await door.GetFromJsonAsync<JsonElement>(Purge)).GetProperty("isRunning").GetBoolean())
        {
            await again.WaitForNextTickAsync(patience.Token);
        }

        Assert.False(answer.TryGetProperty("failure", out var failure), $"{failure}");
    }

    /// <summary>
    /// Each answer of the HTTP API, to each of those who talk, that has it. Every GET of the API's own description is asked.
    /// </summary>
    public static async Task<IReadOnlyList<string>> InAnswersAsync(CanaryTalk talk)
    {
        List<string> found = [];
        var description = await talk.Ana.Http.GetFromJsonAsync<JsonElement>("/api/openapi.json");
        string[] templates =
        [
            .. description.GetProperty("paths").EnumerateObject().Where(path => path.Value.TryGetProperty("get", out _)).Select(path => path.Name),
        ];
        Assert.Contains("/api/rooms/{room}/events", templates);
        foreach (var person in talk.All)
        {
            foreach (var path in templates.SelectMany(template => Paths(talk, person, template)))
            {
                using var answer = await person.Http.GetAsync(path);
                var said = await answer.Content.ReadAsStringAsync();
                Assert.True((int)answer.StatusCode < 500, $"{path}: {(int)answer.StatusCode} {said}");
                if (said.Contains(talk.Word, StringComparison.Ordinal))
                {
                    found.Add($"{person.UserName}: {path}");
                }
            }
        }

        return found;
    }

    /// <summary>
    /// All that is delivered to each of those who talk and begins at the beginning: everything that is kept, retained or said anew.
    /// </summary>
    public static async Task<string> InDeliveriesAsync(ServerProcess server, CanaryTalk talk)
    {
        StringBuilder heard = new();
        foreach (var person in talk.All)
        {
            var me = "users/" + person.UserName;
            await using var client = await server.PageAsync(person.Cookie);
            Assert.True((await client.ConnectAsync()).Accepted);
            foreach (var filter in (string[])[$"rooms/{talk.Room}", me, me + "/notices"])
            {
                Assert.Equal([1], (await client.SubscribeAsync(filter, properties: new MqttProperties { { "last", "1000" } })).ReasonCodes);
            }

            string[] others =
                ["rooms/#", $"rooms/{talk.Room}/#", $"rooms/{talk.Room}/people", me + "/#", me + "/conversations/#", me + "/unread", me + "/read/#"];
            Assert.All((await client.SubscribeAsync([.. others.Select(filter => new Filter(filter))])).ReasonCodes, code => Assert.InRange(code, 0, 1));
            var marker = Lobby.Unique("marker");
            Assert.True((await client.PublishAsync($"rooms/{talk.Room}", marker)).Accepted);
            Assert.True((await client.PublishAsync(me, marker)).Accepted);
            foreach (var topic in (string[])[$"rooms/{talk.Room}", me])
            {
                var here = await client.PublishesUntilAsync(publish => publish.Text.Contains(marker, StringComparison.Ordinal));
                heard.AppendJoin('\n', here.Select(publish => publish.Text));
            }

            await client.PingAsync();
            heard.AppendJoin('\n', client.AlreadyHere().Select(publish => publish.Text));
        }

        return heard.ToString();
    }

    /// <summary>Every file of the data folder that has it.</summary>
    public static IReadOnlyList<string> InFiles(string dataFolder, string word)
    {
        var bytes = Encoding.ASCII.GetBytes(word);
        return [.. Directory.EnumerateFiles(dataFolder, "*", SearchOption.AllDirectories).Where(path => Has(path, bytes))];
    }

    private static IEnumerable<string> Paths(CanaryTalk talk, Person person, string template)
    {
        var other = person == talk.Bea ? talk.Ana : talk.Bea;
        var path = template.Replace("{room}", talk.Room, StringComparison.Ordinal).Replace("{user}", other.UserName, StringComparison.Ordinal)
            .Replace("{token}", "none", StringComparison.Ordinal);
        Assert.DoesNotContain('{', path);
        return path switch
        {
            _ when path.EndsWith("/events", StringComparison.Ordinal) || path is "/api/whispers" or "/api/notices" => _pages.Select(query => $"{path}?{query}"),
            "/api/search" => Searches(talk).SelectMany(q => (string[])[$"{path}?q={q}", $"{path}?q={q}&order=best&room={talk.Room}"]),
            _ => [path],
        };
    }

    private static string[] Searches(CanaryTalk talk) =>
    [
        "canary", "yes", "oh", "has:link", $"from:{talk.Ana.UserName}", $"from:{talk.Bea.UserName}", $"in:{talk.Room} marker", talk.Word, $"{talk.Word}2",
    ];

    private static bool Has(string path, byte[] bytes)
    {
        try
        {
            using FileStream file = new(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
            using MemoryStream all = new();
            file.CopyTo(all);
            return all.ToArray().AsSpan().IndexOf(bytes) >= 0;
        }
        catch (Exception error) when (error is IOException)
        {
            // Gone meanwhile, or a lock.
            return false;
        }
    }
}
