using System.Text.Json;
using WebMessenger.Broker.Tests.Host;
using WebMessenger.Broker.Tests.Rooms;
using WebMessenger.Storage.Search;

namespace WebMessenger.Broker.Tests.Search;

/// <summary>Searches as an account does, by HTTP.</summary>
internal static class SearchTalk
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(20);

    public static async Task<JsonElement> SearchAsync(RunningBroker broker, Member who, string q, string more = "")
    {
        using var calls = Calls.As(broker, who);
        return await calls.Get($"/api/search?q={Uri.EscapeDataString(q)}{more}");
    }

    public static async Task<long[]> FoundAsync(RunningBroker broker, Member who, string q, string more = "") =>
        [.. (await SearchAsync(broker, who, q, more)).GetProperty("hits").EnumerateArray().Select(hit => hit.GetProperty("seq").GetInt64())];

    /// <summary>Asks until this is what is found: the index follows the log by half a second.</summary>
    public static async Task UntilFoundAsync(RunningBroker broker, Member who, string q, params long[] seqs)
    {
        var began = TimeProvider.System.GetTimestamp();
        while (!(await FoundAsync(broker, who, q)).Order().SequenceEqual(seqs.Order()))
        {
            Assert.True(TimeProvider.System.GetElapsedTime(began) < s_patience, $"{q}: found {string.Join(',', await FoundAsync(broker, who, q))}");
            await Task.Delay(25, TestContext.Current.CancellationToken);
        }
    }

    /// <summary>The index is done with all that was said before, and what that took away is overwritten.</summary>
    public static async Task UntilFollowedAsync(MessageTalk talk)
    {
        for (var i = 0; i < 2; i++)
        {
            var word = $"marker{Guid.NewGuid():N}";
            await UntilFoundAsync(talk.Broker, talk.Bea, word, await talk.SayAsync(talk.Bea, word, "lobby"));
        }

        while (talk.Broker.Get<ISearchIndex>().Clean(ofTables: true, out _))
        {
            // A table at a time: the server does the same, a second each.
        }
    }

    /// <summary>All that the files of the index have.</summary>
    public static string Files(RunningBroker broker) => string.Concat(
        Directory.EnumerateFiles(Path.Combine(broker.DataFolder, "data", "search")).Select(path =>
        {
            using FileStream file = new(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
            using MemoryStream bytes = new();
            file.CopyTo(bytes);
            return System.Text.Encoding.Latin1.GetString(bytes.ToArray());
        }));
}
