using WebMessenger.Auth.Interception;

namespace WebMessenger.Broker.Topics;

/// <summary>A filter that a SUBSCRIBE asks for, parsed once, and what was decided on it. Used by one thread at a time.</summary>
internal sealed class AskedFilter : IAskedFilter
{
    public AskedFilter(string text)
    {
        Text = text;
        Error = RoomFilter.TryParse(/* guard: no shared subscriptions (2) */ text, out var filter);
        Filter = filter;
    }

    public string Text { get; }

    public FilterError Error { get; }

    /// <summary>Null: <see cref="Error"/> says why.</summary>
    public RoomFilter? Filter { get; }

    /// <summary>The interceptor's. MQTTnet refuses $share before it asks, so that is what stands here until then.</summary>
    public Verdict Verdict { get; set; } = /* guard: no shared subscriptions (1) */ Verdict.Refused(RefusalCode.SharedSubscriptionsNotSupported, "Shared subscriptions are not available.");
}
