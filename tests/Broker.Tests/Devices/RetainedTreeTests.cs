using WebMessenger.Broker.Devices;
using WebMessenger.Broker.Topics;

namespace WebMessenger.Broker.Tests.Devices;

/// <summary>The tree of retained values.</summary>
public sealed class RetainedTreeTests
{
    private static readonly byte[] s_value = [1];

    private readonly RetainedTree _tree = new();

    [Theory]
    [InlineData("#", "a", "a/b", "/a", "a//b", "$SYS/x", "a/b/c")]
    [InlineData("a/#", "a", "a/b", "a//b", "a/b/c")]
    [InlineData("a/b", "a/b")]
    [InlineData("a/+", "a/b")]
    [InlineData("+", "a")]
    [InlineData("+/a", "/a")]
    [InlineData("/+", "/a")]
    [InlineData("a/+/b", "a//b")]
    [InlineData("a/b/#", "a/b", "a/b/c")]
    [InlineData("+/+", "a/b", "/a", "$SYS/x")]
    [InlineData("b/#")]
    public void A_filter_finds_its_values_and_no_others(string filter, params string[] expected)
    {
        foreach (var topic in new[] { "a", "a/b", "/a", "a//b", "$SYS/x", "a/b/c" })
        {
            Set(topic);
        }

        Assert.Equal(expected.Order(StringComparer.Ordinal), Found(filter));
    }

    [Theory]
    [InlineData("#", "a/b")]
    [InlineData("+/x")]
    [InlineData("$SYS/#", "$SYS/x")]
    public void Seen_from_a_mount_wildcards_miss_topics_that_begin_with_a_dollar(string filter, params string[] expected)
    {
        Set("a/b");
        Set("$SYS/x");

        Assert.Equal(expected, Found(filter, isMounted: true));
    }

    [Fact]
    public void Whatever_is_set_and_cleared_it_finds_what_looking_at_each_topic_finds()
    {
        Random random = new(7);
        HashSet<string> there = [];
        string[] filters = ["#", "1/#", "+/2", "1/+/3", "+/+/+", "4/4/4", "+/#", "2/+/#"];
        for (var step = 0; step < 4_000; step++)
        {
            var topic = string.Join('/', Enumerable.Range(0, random.Next(1, 4)).Select(_ => random.Next(0, 12)));
            if (random.Next(3) == 0)
            {
                if (there.Remove(topic))
                {
                    RetainedTree.Clear(_tree.Find(topic)!);
                }
            }
            else if (there.Add(topic))
            {
                Set(topic);
            }

            if (step % 50 == 0)
            {
                Assert.All(filters, filter => Assert.Equal(there.Where(topic => FilterOf(filter).Matches(topic)).Order(StringComparer.Ordinal), Found(filter)));
            }
        }

        Assert.InRange(there.Count, 100, 2_000);
        Assert.All(there.ToList(), topic => RetainedTree.Clear(_tree.Find(topic)!));
        Assert.Empty(Found("#"));
        Assert.All(Enumerable.Range(0, 12), level => Assert.Null(_tree.Find($"{level}")));
    }

    [Fact]
    public async Task What_is_there_throughout_is_found_however_much_comes_and_goes_beside_it_meanwhile()
    {
        for (var number = 0; number < 100; number++)
        {
            Set($"stays/{number}");
        }

        var isOver = false;
        var churning = Task.Run(
            () =>
            {
                while (!Volatile.Read(ref isOver))
                {
                    for (var number = 0; number < 500; number++)
                    {
                        Set($"stays/comes{number}");
                    }

                    for (var number = 0; number < 500; number++)
                    {
                        RetainedTree.Clear(_tree.Find($"stays/comes{number}")!);
                    }
                }
            },
            TestContext.Current.CancellationToken);
        for (var round = 0; round < 300; round++)
        {
            var found = Found("stays/+");
            Assert.Equal(100, found.Count(topic => !topic.Contains("comes", StringComparison.Ordinal)));
        }

        Volatile.Write(ref isOver, true);
        await churning;
    }

    [Fact]
    public void A_walk_pauses_also_over_what_matches_nothing()
    {
        for (var i = 0; i < RetainedTree.NodesOfTurn * 3; i++)
        {
            Set($"{i}/x");
        }

        Assert.InRange(_tree.Walk(FilterOf("+/y")).Count(), 3, 7);
        Assert.All(_tree.Walk(FilterOf("+/y")), one => Assert.Null(one.Topic));
    }

    private void Set(string topic) => _tree.FindOrAdd(topic).Value = s_value;

    private List<string> Found(string filter, bool isMounted = false) =>
        [.. _tree.Match(FilterOf(filter, isMounted)).Select(one => one.Topic).Order(StringComparer.Ordinal)];

    private static DataFilter FilterOf(string filter, bool isMounted = false)
    {
        Assert.True(DataFilter.TryParse(filter, isMounted, out var parsed), filter);
        return parsed;
    }
}
