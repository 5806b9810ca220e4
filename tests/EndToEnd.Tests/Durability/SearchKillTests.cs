using System.Globalization;
using System.Text;
using System.Text.Json;
using WebMessenger.EndToEnd.Tests.Servers;

namespace WebMessenger.EndToEnd.Tests.Durability;

/// <summary>The search index of a server that is killed while it follows, deletes and is made anew: it finds what the log has.</summary>
public sealed class SearchKillTests
{
    private const string Common = "yellowhammer";

    private static readonly TimeSpan _patience = TimeSpan.FromSeconds(60);

    private static int Kills => Environment.GetEnvironmentVariable("WEBMESSENGER_LONG_TESTS") == "1" ? 60 : 4;

    [Fact]
    public async Task After_kill_9_while_it_is_indexed_edited_and_deleted_search_finds_what_the_log_has_and_nothing_that_was_deleted()
    {
        Companion.LeaveOut("the files of its index.");
        await using var server = await ServerProcess.StartAsync(SharedServer.NoLimits);
        using var ana = await Person.RegisterAsync(server);
        var token = await ana.NewTokenAsync();
        List<string> gone = [];
        Random random = new(12);
        for (var kill = 0; kill < Kills; kill++)
        {
            await using (var client = await server.TcpAsync())
            {
                Assert.True((await client.ConnectAsync(ana.UserName, token)).Accepted);
                List<long> said = [];
                for (var i = 0; i < 30; i++)
                {
                    gone.Add(Guid.NewGuid().ToString("N"));
                    said.Add((await client.PublishAsync(Lobby.Topic, $"{Common} {gone[^1]}")).Seq);
                }

                if (kill % 2 == 0)
                {
                    // They are in the index by now, and have to go out of it.
                    await UntilAsync(async () => (await FoundAsync(ana, gone[^1])).Count == 1);
                }

                foreach (var seq in said)
                {
                    var isEdit = random.Next(2) == 0;
                    var act = isEdit ? $$"""{"type":"edit","of":{{seq}},"text":"{{Common}} kept"}""" : $$"""{"type":"delete","of":{{seq}}}""";
                    Assert.True((await client.PublishAsync(Lobby.Topic, act)).Accepted);
                }

                // At another moment of the half second in which it is gathered, and of the second in which it is overwritten.
                await Task.Delay(random.Next(0, 1_300), TestContext.Current.CancellationToken);
                await server.KillAsync();
            }

            if (kill % 4 == 3)
            {
                // Then it is killed while it is made anew.
                Directory.Delete(Path.Combine(server.DataFolder, "search"), recursive: true);
                await server.StartAgainAsync();
                await server.KillAsync();
            }

            await server.StartAgainAsync();
            Assert.Empty(await FoundAsync(ana, gone[^1]));
        }

        var there = (await ana.EventsAsync())
            .Where(one => one.GetProperty("type").GetString() == "message" && one.GetProperty("text").GetString()!.Contains(Common, StringComparison.Ordinal))
            .Select(one => one.GetProperty("seq").GetInt64()).Order().ToList();
        Assert.NotEmpty(there);
        await UntilAsync(async () => (await FoundAsync(ana, Common)).SequenceEqual(there));
        Assert.Equal(there, await FoundAsync(ana, "kept"));
        foreach (var word in gone.Where((_, i) => i % 10 == 0))
        {
            Assert.Empty(await FoundAsync(ana, word));
        }

        await UntilAsync(() => Task.FromResult(!gone.Exists(word => IsInIndex(server, word))));
    }

    private static bool IsInIndex(ServerProcess server, string word)
    {
        var bytes = Encoding.ASCII.GetBytes(word);
        return Directory.EnumerateFiles(Path.Combine(server.DataFolder, "search")).Any(path =>
        {
            using FileStream file = new(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
            using MemoryStream all = new();
            file.CopyTo(all);
            return all.GetBuffer().AsSpan(0, (int)all.Length).IndexOf(bytes) >= 0;
        });
    }

    // All pages of it.
    private static async Task<List<long>> FoundAsync(Person who, string word)
    {
        List<long> seqs = [];
        for (var cursor = ""; ;)
        {
            var page = JsonDocument.Parse(await who.Http.GetStringAsync($"/api/search?limit=50&q={word}{cursor}")).RootElement;
            seqs.AddRange(page.GetProperty("hits").EnumerateArray().Select(hit => hit.GetProperty("seq").GetInt64()));
            if (!page.TryGetProperty("next", out var next))
            {
                return [.. seqs.Order()];
            }

            cursor = string.Create(CultureInfo.InvariantCulture, $"&cursor={next.GetString()}");
        }
    }

    private static async Task UntilAsync(Func<Task<bool>> isSo)
    {
        using CancellationTokenSource patience = new(_patience);
        while (!await isSo())
        {
            await Task.Delay(50, patience.Token);
        }
    }
}
