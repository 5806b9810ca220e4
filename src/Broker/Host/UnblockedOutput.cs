using System.Text;
using Serilog.Core;
using Serilog.Events;
using Serilog.Formatting;
using Serilog.Parsing;

namespace WebMessenger.Broker.Host;

/// <summary>
/// Writes the log by a thread of its own, so that whoever does not read it (a paused terminal, a stuck log driver) holds up nobody else.
/// </summary>
/// <remarks>
/// Thread-safe. Whoever logs puts the entry into a queue and goes on; when <see cref="Capacity"/> entries wait, further ones are counted
/// and dropped, and the first line that can be written again says how many.
/// <c>_gate</c> guards the queue alone and is never held during a write. See ADR 0040.
/// </remarks>
internal sealed class UnblockedOutput : ILogEventSink, IDisposable
{
    /// <summary>Entries that wait to be written. Some megabytes at worst.</summary>
    internal const int Capacity = 4096;

    /// <summary>How long the end of the program waits for what is still to be written: nobody may read it.</summary>
    private static readonly TimeSpan Farewell = TimeSpan.FromSeconds(2);

    private static readonly MessageTemplate _said = new MessageTemplateParser()
        .Parse("{Count} entries of the log were dropped here, because nobody read it");

    private readonly Lock _gate = new();
    private readonly Queue<LogEvent> _queue = new();
    private readonly SemaphoreSlim _hasWork = new(0);
    private readonly Stream _output;
    private readonly ITextFormatter _formatter;
    private readonly Thread _writer;
    private long _dropped;
    private bool _isSleeping;
    private bool _isOver;

    public UnblockedOutput(Stream output, ITextFormatter formatter)
    {
        (_output, _formatter) = (output, formatter);
        _writer = new Thread(Run) { IsBackground = true, Name = "log" };
        _writer.Start();
    }

    public void Emit(LogEvent logEvent)
    {
        var wakes = false;
        lock (_gate)
        {
            if (_isOver)
            {
                return;
            }

            if (/* guard: the log's queue is bounded */ _queue.Count == Capacity)
            {
                _dropped++;
                return;
            }

            _queue.Enqueue(logEvent);
            (wakes, _isSleeping) = (_isSleeping, false);
        }

        if (wakes)
        {
            _hasWork.Release();
        }
    }

    /// <summary>Writes what waits, for two seconds at most.</summary>
    public void Dispose()
    {
        lock (_gate)
        {
            if (_isOver)
            {
                return;
            }

            _isOver = true;
        }

        _hasWork.Release();
        _writer.Join(Farewell);
    }

    private void Run()
    {
        // Not Console.Out: its lock would be held through a write that does not end, and whoever else writes there would wait.
        using StreamWriter output = new(_output, new UTF8Encoding(encoderShouldEmitUTF8Identifier: false), leaveOpen: true);
        while (TryTake(out var entry, out var dropped, out var isEmpty))
        {
            try
            {
                if (dropped > 0)
                {
                    LogEvent said = new(DateTimeOffset.Now, LogEventLevel.Warning, null, _said, [new("Count", new ScalarValue(dropped))]);
                    _formatter.Format(said, output);
                }

                if (entry is not null)
                {
                    _formatter.Format(entry, output);
                }

                if (isEmpty)
                {
                    output.Flush();
                }
            }
            catch (IOException)
            {
                // The pipe is broken: there is nobody to tell.
            }
        }
    }

    /// <summary>The next entry, and how many were dropped before it. False at the end.</summary>
    private bool TryTake(out LogEvent? entry, out long dropped, out bool isEmpty)
    {
        while (true)
        {
            lock (_gate)
            {
                // What was dropped came after all that waits in the queue.
                dropped = _queue.Count == 0 ? _dropped : 0;
                if (_queue.TryDequeue(out entry) || dropped > 0)
                {
                    _dropped -= dropped;
                    isEmpty = _queue.Count == 0;
                    return true;
                }

                isEmpty = true;
                if (_isOver)
                {
                    return false;
                }

                _isSleeping = true;
            }

            _hasWork.Wait();
        }
    }
}
