using WebMessenger.Auth.Secrets;
using WebMessenger.Broker.MqttSessions;

namespace WebMessenger.Broker.Clients;

/// <summary>What CONNECT asked to have said when the client is lost. Whoever takes the MQTT session over may take it away.</summary>
/// <remarks>Guarded by the writer's gate.</remarks>
internal sealed class AskedWill(Writer writer, ILife life)
{
    private LastWill? _will;

    /// <summary>Null: there is none, or not any more.</summary>
    public LastWill? Now
    {
        get
        {
            lock (writer.Gate)
            {
                return _will;
            }
        }
    }

    /// <summary>While CONNECT is read.</summary>
    public void Ask(LastWill? will) => _will = will;

    /// <summary>What the client is let in by, with which the will goes; null: something else. Before anybody else can see it.</summary>
    public void CameBy(ClientCertificate? certificate) =>
        _will = _will is null ? null : _will with { Certificate = certificate?.Fingerprint.ToString() };

    /// <summary>It may not be said. Before anybody else can see it.</summary>
    public void Drop() => _will = null;

    /// <summary>The connection is over. Null: there is none, or the client said goodbye, or its login session was ended.</summary>
    public LastWill? Take(bool saidGoodbye)
    {
        lock (writer.Gate)
        {
            var will = writer.IsConnected && (/* guard: no will after a kick (1) */ !life.WasRevoked) && !saidGoodbye ? _will : null;
            _will = null;
            return will;
        }
    }

    /// <summary>The client is back on another connection: a will that was to wait for that is not said [MQTT-3.1.3-9].</summary>
    public void DropDelayed()
    {
        lock (writer.Gate)
        {
            if (_will is { DelaySeconds: > 0 })
            {
                _will = null;
            }
        }
    }
}
