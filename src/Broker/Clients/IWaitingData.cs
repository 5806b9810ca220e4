namespace WebMessenger.Broker.Clients;

/// <summary>What shares the window and the socket with <see cref="Delivery"/>.</summary>
/// <remarks>Called under the writer's gate, but for <see cref="Forget"/>.</remarks>
internal interface IWaitingData
{
    /// <summary>Bytes of what waits in memory.</summary>
    int QueuedBytes { get; }

    /// <summary>Something waits.</summary>
    bool IsOwed { get; }

    /// <summary>Something was delivered, and is not acknowledged.</summary>
    bool HasInFlight { get; }

    /// <summary>Something that rooms say took a packet id.</summary>
    void TalkTook();

    /// <summary>Writes what the window and the socket allow of what waits.</summary>
    /// <param name="yields">False: it is not for talk to take what is free of the window.</param>
    void WriteWaiting(bool yields = true);

    /// <summary>The connection is over.</summary>
    void Forget();
}
