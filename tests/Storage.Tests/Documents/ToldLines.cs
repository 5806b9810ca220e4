using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;

namespace WebMessenger.Storage.Tests.Documents;

/// <summary>Keeps what a store tells the operator.</summary>
internal sealed class ToldLines : ILogger
{
    private readonly ConcurrentQueue<(string Line, Exception? Error)> _lines = new();

    public IReadOnlyList<(string Line, Exception? Error)> Lines => [.. _lines];

    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel) => true;

    public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
        _lines.Enqueue((formatter(state, exception), exception));
}
