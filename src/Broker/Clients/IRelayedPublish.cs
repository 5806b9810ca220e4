using WebMessenger.Broker.Streams;
using WebMessenger.Broker.Wire;

namespace WebMessenger.Broker.Clients;

/// <summary>A publish that another node was handed, and answers.</summary>
internal interface IRelayedPublish
{
    /// <summary>It is answered. Called once, by the thread that reads what the other node says.</summary>
    /// <param name="touched">Who is written to and is to be flushed.</param>
    void Answered(RelayedAnswer answer, List<IMember> touched);
}
