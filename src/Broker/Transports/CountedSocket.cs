using System.Net;

namespace WebMessenger.Broker.Transports;

/// <summary>A socket's place in <see cref="OpenSockets"/>, which has counted it in; a feature of its connection. Thread-safe.</summary>
internal sealed class CountedSocket(OpenSockets sockets, IPAddress? address, bool isUseless)
{
    private int _isUsed;
    private int _isSignedIn;
    private int _isClosed;

    /// <summary>A request of HTTP or a CONNECT has come: who opened the socket knows what to say. The first time counts.</summary>
    public void MarkUsed()
    {
        if (Volatile.Read(ref _isUsed) == 0 && Interlocked.Exchange(ref _isUsed, 1) == 0)
        {
            // guard: a socket of use costs one
            sockets.Used(address, isUseless);
        }
    }

    /// <summary>Whoever has opened the socket is signed in, and no guest, as which everybody may come in. The first time counts.</summary>
    public void MarkSignedIn()
    {
        if (Volatile.Read(ref _isSignedIn) == 0 && Interlocked.Exchange(ref _isSignedIn, 1) == 0)
        {
            sockets.SignedIn(address);
        }
    }

    /// <summary>The handle is closed: the place is given back. The first time counts.</summary>
    public void Leave()
    {
        if (Interlocked.Exchange(ref _isClosed, 1) == 0)
        {
            // Whoever is about to be marked is not any more.
            sockets.Leave(address, Interlocked.Exchange(ref _isSignedIn, 1) == 1);
        }
    }
}
