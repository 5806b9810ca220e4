using WebMessenger.Broker.Limits;

namespace WebMessenger.Broker.Clients;

/// <summary>What one client has of the bytes that wait for all clients together.</summary>
/// <remarks>Told by the writer under its gate; read by anybody.</remarks>
internal struct WaitingShare(ByteCount all)
{
    private int _bytes;

    public readonly int Bytes => Volatile.Read(in _bytes);

    public void Tell(int bytes)
    {
        if (bytes != _bytes)
        {
            all.Add(bytes - _bytes);
            Volatile.Write(ref _bytes, bytes);
        }
    }
}
