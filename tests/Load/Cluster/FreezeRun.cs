using System.Diagnostics;
using System.Globalization;
using WebMessenger.Load.Measuring;
using WebMessenger.Load.Servers;
using WebMessenger.Wire.Testing;

namespace WebMessenger.Load.Cluster;

/// <summary>What befalls a node.</summary>
[Flags]
internal enum Trouble
{
    /// <summary>SIGSTOP.</summary>
    Frozen = 1,

    /// <summary>Nothing comes through between it and the database.</summary>
    Cut = 2,

    /// <summary>Nothing comes through between it and the other nodes. Only in a <see cref="PrivateNetwork"/>.</summary>
    Unreached = 4,
}

/// <summary>
/// A node is frozen, cut from the database, or cut from the other nodes. Many who have pages there sign out at another node meanwhile,
/// and all nodes talk.
/// </summary>
/// <param name="lasts">How long the trouble lasts at least; what is asked meanwhile is answered before it ends.</param>
internal sealed class FreezeRun(LoadHouse house, int rounds, TimeSpan lasts, Action<string> progress)
{
    /// <summary>So many sign out in one trouble; each counts as a round.</summary>
    public const int Together = 50;

    private static readonly Trouble[] _troubles = PrivateNetwork.IsInside
        ? [Trouble.Frozen, Trouble.Cut, Trouble.Unreached, Trouble.Frozen | Trouble.Cut | Trouble.Unreached]
        : [Trouble.Frozen, Trouble.Cut, Trouble.Frozen | Trouble.Cut];

    private readonly List<Trouble> _had = [];
    private readonly Histogram _times = new();
    private readonly List<string> _problems = [];

    /// <summary>Accounts that the house must have.</summary>
    public static int Accounts(int nodes) => nodes + Together;

    public async Task<Outcome> RunAsync(CancellationToken cancellation)
    {
        var (done, ended) = (0, 0);
        await using var talk = NumberedTalk.Begin(house);
        for (var batch = 0; done < rounds; batch++)
        {
            var trouble = _troubles[batch % _troubles.Length];
            var node = batch % house.Nodes.Count;
            await RunBatchAsync(talk, node, trouble, cancellation);
            _had.Add(trouble);
            done += Together;
            if (await EndedAsync(house.Nodes[node], cancellation))
            {
                ended++;
                await house.Nodes[node].StartAsync(cancellation);
            }

            progress(string.Create(CultureInfo.InvariantCulture, $"{done} of {rounds}: node {node} was {trouble}"));
        }

        return new(
            [
                new("logouts while a node was in trouble", "", done), new("troubles", "", _had.Count),
                new("… frozen", "", Had(Trouble.Frozen)), new("… cut from the database", "", Had(Trouble.Cut)), new("… cut from the other nodes", "", Had(Trouble.Unreached)),
                new("… all of it at once", "", _had.Count(trouble => trouble == (Trouble.Frozen | Trouble.Cut | Trouble.Unreached))),
                new("nodes that ended themselves", "", ended),
                new("p50", "ms", _times.Microseconds(0.5) / 1000), new("longest", "ms", _times.Microseconds(1) / 1000),
            ],
            _problems);
    }

    private int Had(Trouble one) => _had.Count(trouble => trouble.HasFlag(one));

    private async Task RunBatchAsync(NumberedTalk talk, int node, Trouble trouble, CancellationToken cancellation)
    {
        var other = (node + 1) % house.Nodes.Count;
        List<(string Cookie, RawMqttClient Here, RawMqttClient There)> people = [];
        foreach (var login in house.Logins.Skip(house.Nodes.Count).Take(Together))
        {
            var cookie = await house.Browsers[other].SignInAsync(login.UserName, cancellation);
            people.Add((cookie, await house.TabAsync(node, cookie), await house.TabAsync(other, cookie)));
        }

        foreach (var (_, here, _) in people)
        {
            await here.PublishesUntilAsync(publish => publish.Json.GetProperty("type").GetString() == "message");
        }

        var began = Stopwatch.GetTimestamp();
        Begin(node, trouble);
        IReadOnlyList<long>[] marks;
        try
        {
            marks = await Task.WhenAll(people.Select(async person =>
            {
                var start = Stopwatch.GetTimestamp();
                await house.Browsers[other].LogOutAsync(person.Cookie, cancellation);
                var mark = talk.Mark();
                lock (_times)
                {
                    _times.Record(Stopwatch.GetTimestamp() - start);
                }

                return mark;
            }));

            // Much is said that none of them may hear, and the node learns of it when it is back.
            await talk.MoreAsync(other, 50, cancellation);
            if (lasts - Stopwatch.GetElapsedTime(began) is { Ticks: > 0 } rest)
            {
                await Task.Delay(rest, cancellation);
            }
        }
        finally
        {
            End(node, trouble);
        }

        for (var i = 0; i < people.Count; i++)
        {
            _problems.AddRange(await LogoutRun.AfterAsync(people[i].Here, marks[i], $"{trouble}: the page at node {node}, in trouble,"));
            _problems.AddRange(await LogoutRun.AfterAsync(people[i].There, marks[i], $"{trouble}: the page at node {other}"));
        }
    }

    private void Begin(int node, Trouble trouble)
    {
        if (trouble.HasFlag(Trouble.Cut))
        {
            house.Nodes[node].Cut();
        }

        if (trouble.HasFlag(Trouble.Unreached))
        {
            PrivateNetwork.Cut(node);
        }

        if (trouble.HasFlag(Trouble.Frozen))
        {
            house.Nodes[node].Freeze();
        }
    }

    private void End(int node, Trouble trouble)
    {
        if (trouble.HasFlag(Trouble.Frozen))
        {
            house.Nodes[node].Thaw();
        }

        if (trouble.HasFlag(Trouble.Unreached))
        {
            PrivateNetwork.Mend();
        }

        if (trouble.HasFlag(Trouble.Cut))
        {
            house.Nodes[node].Mend();
        }
    }

    // One that others have gone on without ends itself as soon as it learns of it; one that nobody had to wait for goes on.
    private static async Task<bool> EndedAsync(ClusterNode node, CancellationToken cancellation)
    {
        for (var tries = 0; tries < 100 && !node.Process.HasEnded; tries++)
        {
            await Task.Delay(100, cancellation);
        }

        return node.Process.HasEnded;
    }
}
