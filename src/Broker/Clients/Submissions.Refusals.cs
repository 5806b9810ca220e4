using WebMessenger.Broker.Limits;
using WebMessenger.Broker.Rooms;
using WebMessenger.Broker.Streams;
using WebMessenger.Broker.Wire;

namespace WebMessenger.Broker.Clients;

/// <summary>Publishes that are refused.</summary>
internal sealed partial class Submissions
{
    /// <summary>
    /// A refusal by rule. MQTT 5 hears it in the acknowledgement;
    /// for 3.1.1, and at QoS 0, it goes to the account's inbox topic, to this connection alone.
    /// </summary>
    public void Refuse(in PublishPacket publish, byte code, string reason, string noticeCode, string topic) =>
        Refuse(publish, new PublishRefusal(code, reason, noticeCode), topic);

    public void Refuse(in PublishPacket publish, PublishRefusal refusal, string topic)
    {
        Refused(publish.QualityOfService, refusal, topic);
        if (publish.QualityOfService == 0)
        {
            return;
        }

        var answer = new PublishAnswer(publish.PacketId, publish.QualityOfService) { Code = refusal.Code, Reason = refusal.Reason, Refusal = refusal };
        if (answers.Expect(answer))
        {
            answers.GiveNow(answer);
        }
    }

    // As a refusal is heard where the acknowledgement cannot say it: by a notice, in the log, and on the page of the token.
    private void Refused(byte qualityOfService, PublishRefusal refusal, string topic)
    {
        var isHeard = writer.IsVersion5 && qualityOfService > 0;
        services.PublishRefusals.Note(identity.Session!, identity.ClientId, refusal.Code, refusal.Notice, refusal.Reason, topic, isHeard);
        if (!isHeard)
        {
            filters.Notify(refusal.Notice, refusal.Reason, topic, refusal.Retry);
        }
    }

    // Of who takes nothing from the account it is told as little as of nobody, whatever is wrong with what came; null: nothing is.
    private void RefuseAsOfNobody(in PublishPacket publish, PublishTarget target, PublishRefusal? wrong)
    {
        PublishAnswer answer = new(publish.PacketId, publish.QualityOfService);
        if (answers.Expect(answer))
        {
            _ = RefuseAsync(answer, target, wrong);
        }
    }

    // Never throws.
    private async Task RefuseAsync(PublishAnswer answer, PublishTarget target, PublishRefusal? wrong)
    {
        var isTaken = target.Room is not null || ReferenceEquals(wrong, PublishTarget.NobodyThere);
        try
        {
            isTaken = isTaken || (target.Recipient is { } other
                && await services.Conversations.TakesAsync(identity.Account, services.Rooms.InboxOf(identity.Account).With(other)));
        }
        catch (Exception error) when (error is IOException or ObjectDisposedException)
        {
            // As of nobody.
        }

        if ((isTaken ? wrong : PublishTarget.NobodyThere) is { } refusal)
        {
            (answer.Code, answer.Reason, answer.Refusal) = (refusal.Code, refusal.Reason, refusal);
            Refused(answer.QualityOfService, refusal, target.TopicText);
        }

        answers.GiveNow(answer);
    }
}
