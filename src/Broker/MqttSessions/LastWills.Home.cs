using System.Buffers;
using System.Net;
using WebMessenger.Auth.Sessions;
using WebMessenger.Broker.Nodes;
using WebMessenger.Broker.Rooms;
using WebMessenger.Broker.Wire;

namespace WebMessenger.Broker.MqttSessions;

/// <content>In a house of several nodes what is said on data topics is said by the one that has them.</content>
internal sealed partial class LastWills
{
    /// <summary>At the home of the data: says the will of a client that another node has lost, with the rights of now.</summary>
    public async Task SayRelayedAsync(LoginSession session, string clientId, ulong publisherMark, LastWill will)
    {
        if (Prepare(session, will, out var target, out _) is null && target!.DataTopic is not null)
        {
            await SayDataAsync(session, clientId, publisherMark, will, target);
        }
    }

    // Never throws.
    private async Task RelayAsync(LoginSession session, string clientId, ulong publisherMark, LastWill will)
    {
        RelayedWill relayed = new(
            will.Topic, will.QualityOfService, will.Retain, will.ExpirySeconds, will.Properties ?? [], will.Certificate, publisherMark);
        PipePreface preface = new(
            PipeUse.Will, session.Id, session.Account.Id, session.Kind == LoginSessionKind.Password, clientId, session.Address, Will: relayed,
            Holder: PipePreface.HolderOf(session.Account, IPAddress.TryParse(session.Address, out var address) ? address : null));
        if (await home!.OpenAsync(preface) is not { } pipe)
        {
            Dropped(session, clientId, ReasonCode.ServerUnavailable, "no node has the data topics just now.", will.Topic);
            return;
        }

        pipe.Output.Write(will.Payload);
        await pipe.Output.FlushAsync();
        pipe.Output.Complete();
        await pipe.Closed;
        if (pipe.IsRefused)
        {
            Dropped(session, clientId, ReasonCode.QuotaExceeded, "too many hear and say data topics just now.", will.Topic);
        }
    }
}
