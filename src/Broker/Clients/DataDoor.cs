using System.Buffers;
using System.Net;
using WebMessenger.Auth.Accounts;
using WebMessenger.Auth.Sessions;
using WebMessenger.Broker.MqttSessions;
using WebMessenger.Broker.Nodes;
using WebMessenger.Broker.Transports;
using WebMessenger.Broker.Wire;

namespace WebMessenger.Broker.Clients;

/// <summary>Where clients of other nodes come in at the home of the data topics: let in there already, and served here.</summary>
internal sealed class DataDoor(
    DataHome home, MqttAcceptor acceptor, AccountDirectory accounts, LoginSessions sessions, ConnectionDirectory connections, LastWills wills)
    : IDataHomePart
{
    /// <summary>Of a will: with its CONNECT it had 8 KiB at most.</summary>
    private const int LongestWill = 16 * 1024;

    /// <summary>Clients come when all else is there, and go first.</summary>
    public int Order => 100;

    public void Open()
    {
        home.Serve(PipeUse.Device, ServeAsync);
        home.Serve(PipeUse.Client, ServeAsync);
        home.Serve(PipeUse.Will, SayWillAsync);
    }

    public Task BeginAsync() => Task.CompletedTask;

    /// <summary>All that are served here by the data topics come again, and are brought to the next home.</summary>
    public Task EndAsync(bool isLost) => Task.WhenAll(connections.All
        .Where(client => client.Identity.Mount is not null || client.Transport.Handed is not null)
        .Select(client => client.SendHomeAsync(isStopping: !isLost)));

    private async Task ServeAsync(NodePipe pipe, PipePreface preface)
    {
        var session = SessionOf(preface);
        if (/* guard: nobody comes in by another node whose login session is not known */ session is null && preface.Fingerprint is null)
        {
            return;
        }

        await acceptor.ServeAsync(new NodeTransport(pipe, preface, session));
    }

    private async Task SayWillAsync(NodePipe pipe, PipePreface preface)
    {
        if (preface.Will is not { } will || SessionOf(preface) is not { } session)
        {
            return;
        }

        while (true)
        {
            var read = await pipe.Input.ReadAsync();
            if (read.Buffer.Length > LongestWill)
            {
                return;
            }

            if (read.IsCompleted)
            {
                LastWill said = new(
                    will.Topic, read.Buffer.ToArray(), 0, will.ExpirySeconds, will.QualityOfService, will.Retain, will.Properties, will.Certificate);
                await wills.SayRelayedAsync(session, preface.ClientId, will.PublisherMark, said);
                return;
            }

            pipe.Input.AdvanceTo(read.Buffer.Start, read.Buffer.End);
        }
    }

    private LoginSession? SessionOf(PipePreface preface)
    {
        if (preface is not { Session: { } id, Account: { } accountId } || accounts.Find(accountId) is not { } account)
        {
            return null;
        }

        var address = IPAddress.TryParse(preface.Address, out var known) ? known : null;
        return preface.IsByPassword ? sessions.Borrow(account, id, preface.ClientId, address) : sessions.Find(account, id);
    }
}
