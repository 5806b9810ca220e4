using WebMessenger.Auth.Interception;

namespace WebMessenger.Broker.Topics;

/// <summary>A filter that a SUBSCRIBE asks for, parsed once, and what was decided on it. Used by one thread at a time.</summary>
internal sealed class AskedFilter : IAskedFilter
{
    /// <param name="mount">Id of the room that is the client's whole world; null: it has no mount.</param>
    public AskedFilter(string text, string? mount)
    {
        Text = text;
        Error = RoomFilter.TryParse(text, out var filter, mount);
        Filter = filter;
    }

    public string Text { get; }

    public FilterError Error { get; }

    /// <summary>Null: <see cref="Error"/> says why.</summary>
    public RoomFilter? Filter { get; }

    /// <summary>The interceptor's; until it is asked, no.</summary>
    public Verdict Verdict { get; set; } = Verdict.Refused(RefusalCode.UnspecifiedError, "Nobody has decided on this filter.");
}
