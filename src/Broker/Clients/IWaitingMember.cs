using WebMessenger.Broker.Streams;

namespace WebMessenger.Broker.Clients;

/// <summary>What has more for a <see cref="Writer"/> when that has room. Called under the writer's gate.</summary>
internal interface IWaitingMember : IMember
{
    /// <summary>Bytes of what waits in memory.</summary>
    int QueuedBytes { get; }

    /// <summary>Something waits, and the client must take or acknowledge something first.</summary>
    bool IsOwed { get; }

    /// <summary>Writes what the window and the socket allow of what waits.</summary>
    void WriteWaiting();
}
