using System.IO.Pipelines;
using System.Net;
using WebMessenger.Auth.Secrets;
using WebMessenger.Auth.Sessions;

namespace WebMessenger.Broker.Transports;

/// <summary>The bytes of one connection, TCP, TLS or WebSocket alike.</summary>
internal abstract class Transport
{
    /// <summary>Of a pipe to a peer: what it holds for one that does not read is memory like any other.</summary>
    protected static PipeOptions OutputOptions { get; } =
        new(pauseWriterThreshold: 32 * 1024, resumeWriterThreshold: 16 * 1024, useSynchronizationContext: false);

    public abstract PipeReader Input { get; }

    public abstract PipeWriter Output { get; }

    public abstract IPEndPoint? RemoteEndPoint { get; }

    public abstract bool IsEncrypted { get; }

    /// <summary>The login session of the cookie that opened it; WebSockets only.</summary>
    public virtual LoginSession? Cookie => null;

    /// <summary>Of the client certificate whose key the peer has; MQTT over TLS only, and null where it showed none.</summary>
    public virtual Fingerprint? Certificate => null;

    /// <summary>What another node says of it, to which the client has come; null: it came to this one.</summary>
    public virtual HandedClient? Handed => null;

    /// <summary>Of the socket below, to be told when it is of use; null for a WebSocket, whose request has told.</summary>
    public CountedSocket? Place { get; init; }

    /// <summary>Completes when the peer can receive nothing more.</summary>
    public abstract Task Closed { get; }

    /// <summary>
    /// Nothing more is read or written: it closes when what was written is sent. A peer that does not take that has to be aborted.
    /// </summary>
    public abstract void Finish();

    /// <summary>Closes at once; what was not sent is lost. May be called from any thread, more than once.</summary>
    public abstract void Abort();

    /// <summary>
    /// Closes after <see cref="Closed"/>, or when that takes too long.
    /// What the operating system has taken of what was written may still arrive.
    /// </summary>
    public virtual void Close() => Abort();

    /// <summary>Passwords may travel where nobody else can read: encrypted, or within this machine.</summary>
    public bool KeepsSecrets => IsEncrypted || (RemoteEndPoint is { } remote && IPAddress.IsLoopback(remote.Address));
}
