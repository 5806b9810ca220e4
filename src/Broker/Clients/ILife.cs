namespace WebMessenger.Broker.Clients;

/// <summary>
/// The life of a client, as its parts know it. Thread-safe; may be asked under the writer's gate, <see cref="EndAsync"/> excepted.
/// </summary>
internal interface ILife
{
    /// <summary>Completes when the connection is over, or is being ended.</summary>
    Task Ended { get; }

    /// <summary>Its login session was ended: nothing more may reach the peer.</summary>
    bool WasRevoked { get; }

    /// <summary>
    /// Ends the connection from our side. Before it returns, nothing more is accepted or written;
    /// the task completes when the transport is closed. Never throws.
    /// </summary>
    /// <param name="code">Of MQTT 5, for DISCONNECT.</param>
    /// <param name="reason">For people.</param>
    Task EndAsync(byte code, string reason);

    /// <summary>More waits for the client than may. Called outside of all locks.</summary>
    void TooSlow();

    /// <summary>Cuts the transport.</summary>
    void Abort();
}
