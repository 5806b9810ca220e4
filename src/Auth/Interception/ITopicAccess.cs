using WebMessenger.Auth.Sessions;

namespace WebMessenger.Auth.Interception;

/// <summary>What the interceptor asks the broker about topic filters, so that Auth never learns what a room is.</summary>
/// <remarks>Implementations deny what they do not know. Thread-safe.</remarks>
public interface ITopicAccess
{
    /// <summary>
    /// May this login session hold this filter? May join the account to what the filter names, durably, before it answers.
    /// </summary>
    ValueTask<Verdict> MaySubscribeAsync(LoginSession session, IAskedFilter filter, CancellationToken cancellation);
}

/// <summary>
/// One filter of a SUBSCRIBE, as the broker parsed it when it came. Auth hands it back to the broker, and looks at nothing of it.
/// </summary>
public interface IAskedFilter
{
    /// <summary>As the client sent it.</summary>
    string Text { get; }
}

/// <summary>Where a PUBLISH goes, resolved from its topic by the broker.</summary>
public interface IPublishTarget
{
    /// <summary>May this login session publish here, now? Asked for every PUBLISH: rights change while a topic stays.</summary>
    Verdict MayPublish(LoginSession session);
}
