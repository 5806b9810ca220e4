using System.Diagnostics;
using System.Globalization;
using System.Net;
using WebMessenger.Load.Measuring;
using WebMessenger.Wire.Testing;

namespace WebMessenger.Load.Cluster;

/// <summary>Somebody with a page at each node signs out at one of them, over and over, while all nodes talk.</summary>
internal sealed class LogoutRun(LoadHouse house, int rounds, Action<string> progress)
{
    // Each node compiles what a logout takes when it is asked for the first time; people do not meet a node so.
    private const int WarmUp = 12;

    /// <summary>Accounts that the house must have.</summary>
    public static int Accounts(int nodes) => nodes + 20;

    public async Task<Outcome> RunAsync(CancellationToken cancellation)
    {
        Histogram times = new();
        List<string> problems = [];
        await using var talk = NumberedTalk.Begin(house);
        var people = house.Logins.Skip(house.Nodes.Count).ToList();
        for (var round = -WarmUp; round < rounds; round++)
        {
            if (round == 0)
            {
                times = new();
            }

            var cookie = await house.Browsers[(round + WarmUp) % house.Nodes.Count].SignInAsync(people[(round + WarmUp) % people.Count].UserName, cancellation);
            var tabs = await Task.WhenAll(Enumerable.Range(0, house.Nodes.Count).Select(node => house.TabAsync(node, cookie)));
            foreach (var tab in tabs)
            {
                // Each hears what is said before anything is taken away.
                await tab.PublishesUntilAsync(publish => publish.Json.GetProperty("type").GetString() == "message");
            }

            var start = Stopwatch.GetTimestamp();
            var status = await house.Browsers[(round + WarmUp + 1) % house.Nodes.Count].LogOutAsync(cookie, cancellation);
            var mark = talk.Mark();
            times.Record(Stopwatch.GetTimestamp() - start);
            if (status != HttpStatusCode.NoContent)
            {
                problems.Add($"round {round}: the logout was answered with {(int)status}");
            }

            for (var node = 0; node < tabs.Length; node++)
            {
                problems.AddRange(await AfterAsync(tabs[node], mark, $"round {round}: the page at node {node}"));
            }

            if (round >= 0 && (round + 1) % Math.Max(1, rounds / 10) == 0)
            {
                progress(string.Create(CultureInfo.InvariantCulture, $"{round + 1} of {rounds} logouts"));
            }
        }

        return new(
            [
                new("logouts", "", rounds), new("p50", "ms", times.Microseconds(0.5) / 1000),
                new("p99", "ms", times.Microseconds(0.99) / 1000), new("longest", "ms", times.Microseconds(1) / 1000),
            ],
            problems);
    }

    /// <summary>What a page that was to be silent has heard that was said after the mark; it has to be closed as well.</summary>
    public static async Task<IEnumerable<string>> AfterAsync(RawMqttClient tab, IReadOnlyList<long> mark, string who)
    {
        await using (tab)
        {
            try
            {
                var late = (await tab.PublishesUntilClosedAsync()).Count(publish => NumberedTalk.IsAfter(publish, mark));
                return late == 0 ? [] : [$"{who} heard {late} messages that were said after the answer"];
            }
            catch (WireException error)
            {
                return [$"{who} was not closed: {error.Message}"];
            }
        }
    }
}
