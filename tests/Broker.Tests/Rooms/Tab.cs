using WebMessenger.Auth.Accounts;
using WebMessenger.Auth.Sessions;
using WebMessenger.Broker.Streams;

namespace WebMessenger.Broker.Tests.Rooms;

/// <summary>A client that is sent nothing: what is said, the log has.</summary>
internal sealed class Tab(Account account) : IMember
{
    private readonly Lock _gate = new();

    public Account Account => account;

    public LoginSession? Session => null;

    public string AuthorKind => "guest";

    public bool KeepsUp => true;

    public void Deliver(Subscriber subscriber, PublishFrames frames, Wants wants, List<IMember> touched)
    {
        // Nobody reads it.
    }

    public void DeliverIfIdle(Subscriber subscriber, PublishFrames frames, Wants wants, List<IMember> touched)
    {
        // The same.
    }

    public bool TryDeliver(Subscriber subscriber, PublishFrames frames, Wants wants, List<IMember> touched) => true;

    public void DeliverEvents(Subscriber subscriber, ReadOnlySpan<EventDelivery> events, Wants wants, List<IMember> touched)
    {
        // The same.
    }

    public void Flush()
    {
        // Nothing was written.
    }

    public Lock.Scope HoldWrites() => _gate.EnterScope();

    public void Begin(Subscriber subscriber, CatchUpFrom? from)
    {
        // It hears nothing.
    }

    public void Replace(Subscriber subscriber, Subscriber? by)
    {
        // The same.
    }
}
