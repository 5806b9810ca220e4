using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;
using WebMessenger.Storage.EventLog;

namespace WebMessenger.Storage.Tests.EventLog;

/// <summary>Keeps what a store tells the operator.</summary>
internal sealed class LogLines : ILogger<RocksEventLog>
{
    private readonly ConcurrentQueue<(LogLevel Level, string Text)> _lines = new();

    public IReadOnlyList<string> All => [.. _lines.Select(line => line.Text)];

    public IReadOnlyList<string> Errors => [.. _lines.Where(line => line.Level >= LogLevel.Error).Select(line => line.Text)];

    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel) => true;

    public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
        _lines.Enqueue((logLevel, formatter(state, exception)));
}
