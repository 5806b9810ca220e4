using System.Buffers;
using System.IO.Pipelines;
using WebMessenger.Broker.Wire;

namespace WebMessenger.Broker.Clients;

/// <summary>How what was written leaves.</summary>
internal sealed partial class Writer
{
    // Under the gate, as all below but the last. [MQTT-3.1.2-24] An answer that the client cannot take is not sent. It would wait for ever,
    // so the connection ends.
    private void GiveUp()
    {
        var goodbye = PacketWriter.Disconnect(ReasonCode.PacketTooLarge, null);
        if (IsConnected && goodbye.Length <= MaximumPacket)
        {
            transport.Output.Write(goodbye);
            Watch?.Sent(goodbye);
        }

        IsSilent = true;
        _ = Task.Run(() => life.EndAsync(ReasonCode.PacketTooLarge, "An answer is larger than the client takes."));
    }

    private void CountWritten(int bytes)
    {
        Sent.Add(1, bytes);
        _unflushed += bytes;
        if (_flushing)
        {
            CountWaiting();
        }
        else if (_unflushed >= FlushBytes && !_corked)
        {
            BeginFlush();
        }
    }

    private void CountAnswer(int bytes)
    {
        if (_flushing)
        {
            _untaken.Add(bytes);
        }

        CountWritten(bytes);
    }

    // Before CONNACK nothing is written but that the client is not let in, which says nothing of the house.
    private bool MayFlush => /* guard: a node without its lease is silent */ lease is null || !IsConnected || lease.IsFresh;

    // What is not flushed is in no socket: it leaves when the node has heard what was written meanwhile, if the client may still hear it.
    private async ValueTask<FlushResult> FlushWhenFreshAsync()
    {
        while (true)
        {
            await lease!.WhenFreshAsync();
            ValueTask<FlushResult> flush;
            lock (Gate)
            {
                if (IsSilent)
                {
                    return default;
                }

                if (!MayFlush)
                {
                    continue;
                }

                flush = transport.Output.FlushAsync();
            }

            return await flush;
        }
    }

    private void BeginFlush()
    {
        var flush = MayFlush ? transport.Output.FlushAsync() : FlushWhenFreshAsync();
        if (flush.IsCompletedSuccessfully)
        {
            (_, _unflushed) = (flush.Result, 0);
            return;
        }

        (_flushing, _unsent, _unflushed) = (true, _unflushed, 0);
        _blockedSince ??= /* guard: answers that are not read */ time.GetTimestamp();
        CountWaiting();
        _ = AwaitPeerAsync(flush);
    }

    // The peer's socket is full: goes on when it reads again.
    private async Task AwaitPeerAsync(ValueTask<FlushResult> flush)
    {
        try
        {
            while (true)
            {
                await flush;
                lock (Gate)
                {
                    _unsent = 0;
                    _untaken.Clear();
                    if (IsSilent)
                    {
                        return;
                    }

                    _member.WriteWaiting();
                    _flushing = _unflushed > 0 && !_corked;
                    if (_flushing)
                    {
                        flush = MayFlush ? transport.Output.FlushAsync() : FlushWhenFreshAsync();
                        (_unsent, _unflushed) = (_unflushed, 0);
                    }

                    Progressed();
                    CountWaiting();
                    if (!_flushing)
                    {
                        return;
                    }
                }
            }
        }
        catch (Exception error) when (error is IOException or OperationCanceledException or InvalidOperationException)
        {
            // The transport is gone; the receive side notices and cleans up.
            lock (Gate)
            {
                IsSilent = true;
                _untaken.Clear();
            }
        }
    }
}
