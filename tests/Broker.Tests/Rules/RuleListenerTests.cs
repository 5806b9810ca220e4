using System.Text;
using WebMessenger.Broker.Devices;
using WebMessenger.Broker.Rules;

namespace WebMessenger.Broker.Tests.Rules;

/// <summary>What a rule knows of its topics is written with what it says, or after it; never before.</summary>
public sealed class RuleListenerTests
{
    [Fact]
    public void What_is_known_of_a_topic_is_not_written_while_something_is_said_of_it()
    {
        Spoken speech = new();
        var listener = ListenerOf(speech);
        listener.Hear(Message("a", "20"));
        listener.Hear(Message("b", "20"));
        Assert.Equal(["a", "b"], TopicsOf(listener.NextUnsaved()));
        Assert.Empty(listener.NextUnsaved());

        listener.Hear(Message("a", "20"));
        listener.Hear(Message("b", "40"));
        listener.Hear(Message("b", "10"));
        listener.Hear(Message("c", "10"));
        Assert.Equal(["b"], speech.Said.Select(said => said.Topic));
        Assert.Equal(["c"], TopicsOf(listener.NextUnsaved()));

        // Stored is that it was beyond; since then it has come back.
        listener.Done("b", speech.Said[0].State);
        Assert.Equal(["b"], TopicsOf(listener.NextUnsaved()));
        Assert.Empty(listener.NextUnsaved());
    }

    [Fact]
    public void What_was_heard_before_it_was_said_is_not_written_behind_it()
    {
        Spoken speech = new();
        var listener = ListenerOf(speech);
        listener.Hear(Message("a", "20"));
        Assert.True(listener.BeginSave());
        Assert.Equal(["a"], TopicsOf(listener.NextUnsaved()));

        // While that is being written.
        listener.Hear(Message("a", "40"));
        Assert.Empty(listener.NextUnsaved());
        listener.Done("a", Assert.Single(speech.Said).State);
        var last = Assert.Single(listener.NextUnsaved());
        Assert.Contains("\"side\":\"1\"", Encoding.UTF8.GetString(last.Value!), StringComparison.Ordinal);
    }

    [Fact]
    public void Of_what_could_not_be_written_only_that_is_tried_again()
    {
        Spoken speech = new();
        var listener = ListenerOf(speech);
        listener.Hear(Message("a", "20"));
        Assert.Equal(["a"], TopicsOf(listener.NextUnsaved()));
        Assert.Empty(listener.NextUnsaved());

        listener.Hear(Message("b", "20"));
        Assert.True(listener.BeginSave());
        Assert.Equal(["b"], TopicsOf(listener.NextUnsaved()));
        listener.SaveFailed();
        Assert.True(listener.BeginSave());
        Assert.Equal(["b"], TopicsOf(listener.NextUnsaved()));
        Assert.Empty(listener.NextUnsaved());
        Assert.False(listener.BeginSave());
    }

    private static RuleListener ListenerOf(Spoken speech)
    {
        Rule rule = new("rule-a", "r", "m", DateTimeOffset.UnixEpoch, 1, new RuleTerms("Heat", "#", "above", "{value}", Threshold: 30));
        return new RuleListener(rule, new Dictionary<string, TopicState>(), 0, DateTimeOffset.UnixEpoch, speech);
    }

    private static DataMessage Message(string topic, string payload) =>
        new() { Topic = topic, Payload = Encoding.UTF8.GetBytes(payload), At = DateTimeOffset.UnixEpoch };

    private static string[] TopicsOf(List<Storage.EventLog.RecordChange> changes) =>
        [.. changes.Select(change => Encoding.UTF8.GetString(change.Key).Split('/')[^1]).Order(StringComparer.Ordinal)];

    /// <summary>Holds what is to be said until the test says that it was.</summary>
    private sealed class Spoken : IRuleSpeech
    {
        public List<(string Topic, TopicState State)> Said { get; } = [];

        public void Say(RuleListener listener, string topic, TopicState state, RuleValue value) => Said.Add((topic, state));

        public void Note(RuleListener listener)
        {
            // The test writes.
        }

        public void Refused(Rule rule, string why) => Assert.Fail(why);
    }
}
