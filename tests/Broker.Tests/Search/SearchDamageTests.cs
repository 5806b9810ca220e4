using WebMessenger.Broker.Tests.Host;
using WebMessenger.Broker.Tests.Rooms;
using static WebMessenger.Broker.Tests.Search.SearchTalk;

namespace WebMessenger.Broker.Tests.Search;

/// <summary>A message that cannot be read hides itself, and none of the others.</summary>
public sealed class SearchDamageTests
{
    [Fact]
    public async Task What_cannot_be_read_is_not_found_and_all_else_is_also_by_an_index_that_is_made_anew()
    {
        DamagedLog damage = new();
        LogOfEverything lines = new();
        await using var broker = await RunningBroker.StartAsync(damage.Place + (Action<Microsoft.Extensions.DependencyInjection.IServiceCollection>)lines.TakeOver);
        var talk = await MessageTalk.InYardAsync(broker);
        List<long> said = [];
        foreach (var number in Enumerable.Range(0, 3))
        {
            said.Add(await talk.SayAsync(talk.Bea, $"canarybird {number}"));
        }

        await UntilFoundAsync(broker, talk.Bea, "canarybird", [.. said]);
        damage.Entries.Add((talk.Log, said[1]));
        Assert.Equal([said[0], said[2]], (await FoundAsync(broker, talk.Bea, "canarybird")).Order());

        await broker.Program.DisposeAsync();
        Directory.Delete(Path.Combine(broker.DataFolder, "data", "search"), recursive: true);
        await broker.RestartAsync();
        await UntilFoundAsync(broker, talk.Bea, "canarybird", said[0], said[2]);
        Assert.Single(lines.Lines, line => line.Contains("is not found by searching", StringComparison.Ordinal));

        // It was left out of the index: once it can be read again it is there only when the index is made anew.
        damage.Entries.Clear();
        Assert.Equal([said[0], said[2]], (await FoundAsync(broker, talk.Bea, "canarybird")).Order());
    }
}
