using WebMessenger.Broker.Topics;

namespace WebMessenger.Broker.Clients;

/// <content>Notices to this connection alone, and what is stored of its filters.</content>
internal sealed partial class HeldFilters
{
    private (string Code, string Text, string Topic)? _notice;

    /// <summary>A notice for when the client listens to its inbox.</summary>
    public void NotifyLater(string code, string text, string topic) => _notice = (code, text, topic);

    /// <summary>A notice, written to this connection alone, if it listens to its inbox.</summary>
    /// <param name="retry">Seconds after which it may be sent again; 0: not said.</param>
    public void Notify(string code, string text, string topic, int retry = 0)
    {
        HeldFilter? inbox;
        lock (_filtersGate)
        {
            inbox = _filters.Values.FirstOrDefault(filter => filter.Filter.Whispers);
        }

        if (inbox is null)
        {
            return;
        }

        var publish = Notice.Encode(inbox, writer.IsVersion5, code, text, topic, retry);
        lock (writer.Gate)
        {
            if (!writer.IsSilent && writer.HasRoom(Writer.StalledBytesLimit) && publish.Length <= writer.MaximumPacket)
            {
                writer.Write(publish, 0);
            }
        }

        writer.Flush();
    }

    // A durable client counts on its filters from SUBACK on, so they are on disk before it leaves.
    // False: they are not, and the connection has been cut.
    private async Task<bool> TrySaveFiltersAsync()
    {
        HeldFilter[] filters;
        lock (_filtersGate)
        {
            filters = [.. _filters.Values];
        }

        try
        {
            await services.Durable.SaveAsync(kept, filters);
            return true;
        }
        catch (IOException)
        {
            writer.Silence();
            life.Abort();
            return false;
        }
    }
}
