using System.Runtime.CompilerServices;
using WebMessenger.Auth.Sessions;

namespace WebMessenger.Broker.Topics;

/// <summary>Which topics below its mount an access token may hear and say (decision 31), parsed once. Immutable.</summary>
internal sealed class GrantedTopics
{
    private static readonly ConditionalWeakTable<TopicScope, GrantedTopics> _known = [];

    private readonly DataFilter[] _read;
    private readonly DataFilter[] _write;

    private GrantedTopics(TopicScope topics) => (_read, _write) = (Parse(topics.Read), Parse(topics.Write));

    public static bool MayRead(Scope scope, string topic) => Of(scope) is not { } granted || Matches(granted._read, topic);

    public static bool MayWrite(Scope scope, string topic) => Of(scope) is not { } granted || Matches(granted._write, topic);

    /// <summary>Whether a filter can bring anything that may be read.</summary>
    public static bool MayRead(Scope scope, DataFilter filter) =>
        Of(scope) is not { } granted || Array.Exists(granted._read, one => one.Meets(filter));

    private static GrantedTopics? Of(Scope scope) => scope.Topics is { } topics ? _known.GetValue(topics, static of => new GrantedTopics(of)) : null;

    private static bool Matches(DataFilter[] filters, string topic) => Array.Exists(filters, filter => filter.Matches(topic));

    // What does not parse grants nothing.
    private static DataFilter[] Parse(IReadOnlyList<string> filters) =>
        [.. filters.Select(text => DataFilter.TryParse(text, isMounted: true, out var filter) ? filter : null).OfType<DataFilter>()];
}
