using WebMessenger.Broker.Devices;
using WebMessenger.Broker.Streams;
using WebMessenger.Broker.Topics;

namespace WebMessenger.Broker.Tests.Devices;

/// <summary>The tree finds what a topic matches, and nothing else; and gives back what nobody asks for any more.</summary>
public sealed class DataTreeTests
{
    [Fact]
    public void It_finds_what_each_filter_by_itself_matches()
    {
        Random random = new(7);
        DataTree tree = new();
        List<DataSubscription> all = [];
        for (var i = 0; i < 400; i++)
        {
            var levels = Enumerable.Range(0, random.Next(1, 5)).Select(_ => random.Next(6) switch { 0 => "+", 1 => "", var n => $"l{n}" }).ToList();
            if (random.Next(3) == 0)
            {
                levels[^1] = "#";
            }

            if (string.Join('/', levels) is { Length: > 0 } text)
            {
                all.Add(Subscription(text, isMounted: random.Next(2) == 0));
                tree.Add(all[^1]);
            }
        }

        for (var round = 0; round < 2; round++)
        {
            for (var i = 0; i < 2000; i++)
            {
                var topic = string.Join('/', Enumerable.Range(0, random.Next(1, 6)).Select(_ => random.Next(6) switch { 0 => "$x", 1 => "", var n => $"l{n}" }));
                List<DataSubscription> matched = [];
                tree.Match(topic, matched);

                Assert.Equal(all.Where(one => one.Filter.Matches(topic)).ToHashSet(), matched.ToHashSet());
                Assert.Equal(matched.Count, matched.Distinct().Count());
            }

            foreach (var some in all.Where((_, i) => i % 2 == 0).ToList())
            {
                Assert.True(tree.Remove(some));
                Assert.False(tree.Remove(some));
                all.Remove(some);
            }
        }
    }

    [Fact]
    public void What_is_given_up_leaves_nothing()
    {
        DataTree tree = new();
        DataSubscription[] all = [.. new[] { "a/b/c", "a/b/#", "a/+/c", "#", "+", "a//", "/" }.Select(text => Subscription(text))];
        Array.ForEach(all, tree.Add);
        Assert.Equal(all.Length, tree.Count);

        Array.ForEach(all, one => Assert.True(tree.Remove(one)));

        Assert.Equal((0, 0), (tree.Count, tree.Nodes));
    }

    private static DataSubscription Subscription(string text, bool isMounted = false)
    {
        Assert.True(DataFilter.TryParse(text, isMounted, out var filter));
        return new DataSubscription { Filter = filter, Member = new Nobody() };
    }

    private sealed class Nobody : IDataMember
    {
        public ulong PublisherMark => 0;

        public int Unacknowledged => 0;

        public DataMatch Match { get; } = new();

        public bool Hear(DataFrames frames, in DataGrant grant, List<IMember> touched) => true;
    }
}
