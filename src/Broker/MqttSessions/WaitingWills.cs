using System.Diagnostics.CodeAnalysis;
using WebMessenger.Auth.Sessions;

namespace WebMessenger.Broker.MqttSessions;

/// <summary>A will that is to be said now, and whose it is.</summary>
internal sealed record DueWill(LoginSession Session, string ClientId, LastWill Will);

/// <summary>The wills of durable clients that are away: how long each waits, and those whose time has come.</summary>
/// <remarks>Guarded by the gate of <see cref="DurableClients"/>.</remarks>
internal sealed class WaitingWills(TimeProvider time)
{
    /// <summary>
    /// After a start, a client whose will waits has this long to come back at least: it may have been lost with the server.
    /// </summary>
    private static readonly TimeSpan ReturnTime = TimeSpan.FromSeconds(60);

    private readonly DueClients _waiting = new();
    private readonly long _began = time.GetTimestamp();
    private List<DueWill> _due = [];

    // The clock may be set; this goes on.
    private long Now => time.GetElapsedTime(_began).Ticks;

    /// <summary>Each once. Whoever takes them says them.</summary>
    public IReadOnlyList<DueWill> Take()
    {
        if (_due.Count == 0)
        {
            return [];
        }

        var due = _due;
        _due = [];
        return due;
    }

    /// <summary>The client is lost: its will waits from now on, if it is to wait.</summary>
    /// <param name="isStopping">The server stops, or the client is sent to another node: the will is kept, whatever its delay.</param>
    public void Wait(DurableClient client, LastWill? will, bool isStopping)
    {
        var delay = will is null ? default : Delay(will, client.Expiry);
        client.Will = (/* guard: will: the delay */ delay > TimeSpan.Zero) || isStopping ? will : null;
        Set(client, isStopping && delay == TimeSpan.Zero ? ReturnTime : delay);
    }

    /// <summary>The client was away when the server stopped: its will waits on.</summary>
    public void WaitAfterStart(DurableClient client)
    {
        if (client.Will is { } will)
        {
            var delay = Delay(will, client.Expiry);
            Set(client, delay > ReturnTime ? delay : ReturnTime);
        }
    }

    /// <summary>The client is back, or at its end: nothing of it waits any more.</summary>
    public void Forget(DurableClient client) => _waiting.Remove(client);

    /// <summary>The certificate was taken from its token: what waits of clients that came by it is never said.</summary>
    /// <returns>Those of the clients whose will it was.</returns>
    public IReadOnlyList<DurableClient> Forget(IEnumerable<DurableClient> clients, string certificate)
    {
        List<DurableClient> lost =
            [.. clients.Where(client => client.IsAway && (/* guard: no will after a certificate was taken away */ client.Will?.Certificate == certificate))];
        foreach (var client in lost)
        {
            client.Will = null;
            _waiting.Remove(client);
        }

        return lost;
    }

    /// <summary>Another node has stored that the client is away: its will waits from when it left.</summary>
    /// <param name="ago">How long ago that was.</param>
    public void WaitElsewhere(DurableClient client, TimeSpan ago)
    {
        if (client.Will is { } will)
        {
            // One without delay is kept by a node that stopped: its clients are given the time to come back.
            var delay = Delay(will, client.Expiry);
            Set(client, delay > TimeSpan.Zero ? delay - ago : ReturnTime);
        }
    }

    /// <summary>
    /// As <see cref="TryFallDue"/>, of several nodes: the will is the caller's to say when it is stored that it is none any more.
    /// </summary>
    public bool TryTake([NotNullWhen(true)] out DurableClient? client, out DueWill? due)
    {
        due = null;
        if (!_waiting.TryTake(Now, out client))
        {
            return false;
        }

        due = TakeFrom(client);
        return true;
    }

    /// <summary>The client's will, if it is away and has one; it has none any more.</summary>
    public static DueWill? TakeFrom(DurableClient client)
    {
        if (client is not { IsAway: true, Will: { } will })
        {
            return null;
        }

        client.Will = null;
        return new DueWill(client.Session, client.ClientId, will);
    }

    /// <summary>It is to be said now.</summary>
    public void FallDue(DueWill due) => _due.Add(due);

    /// <summary>A client that is away, whose will has waited for as long as it is to. It is to be said now.</summary>
    public bool TryFallDue([NotNullWhen(true)] out DurableClient? client)
    {
        if (!_waiting.TryTake(Now, out client))
        {
            return false;
        }

        FallDue(client);
        return true;
    }

    /// <summary>The client's will, if it is away and has one, is to be said now.</summary>
    public void FallDue(DurableClient client)
    {
        if (client is { IsAway: true, Will: { } will })
        {
            _due.Add(new DueWill(client.Session, client.ClientId, will));
            client.Will = null;
        }
    }

    private void Set(DurableClient client, TimeSpan delay)
    {
        if (client.Will is not null)
        {
            _waiting.Set(client, Now + delay.Ticks);
        }
    }

    // [MQTT-3.1.3-9], and no longer than the MQTT session lives.
    private static TimeSpan Delay(LastWill will, uint expiry) => TimeSpan.FromSeconds(Math.Min(will.DelaySeconds, expiry));
}
