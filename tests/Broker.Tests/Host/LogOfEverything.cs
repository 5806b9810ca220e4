using System.Collections.Concurrent;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace WebMessenger.Broker.Tests.Host;

/// <summary>Keeps what the whole program, with its libraries, would write at the default level.</summary>
internal sealed class LogOfEverything : ILoggerFactory, ILogger
{
    private readonly ConcurrentQueue<(LogLevel Level, string Text, Exception? Error)> _lines = new();

    public IReadOnlyList<string> Lines => [.. _lines.Select(line => line.Text)];

    /// <summary>What an operator would be alarmed by: errors, and whatever has a stack trace.</summary>
    public IReadOnlyList<string> Alarms =>
    [
        // Guards are proved without the pages, and the program says that they are missing.
        .. _lines.Where(line => line.Level >= LogLevel.Error || line.Error is not null)
            .Where(line => !line.Text.StartsWith("The browser client is missing", StringComparison.Ordinal))
            .Select(line => $"{line.Text} {line.Error}"),
    ];

    public void TakeOver(IServiceCollection services) => services.AddSingleton<ILoggerFactory>(this);

    public ILogger CreateLogger(string categoryName) => this;

    public void AddProvider(ILoggerProvider provider)
    {
    }

    public void Dispose()
    {
    }

    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel) => logLevel >= LogLevel.Information;

    public void Log<TState>(
        LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
    {
        if (IsEnabled(logLevel))
        {
            _lines.Enqueue((logLevel, formatter(state, exception), exception));
        }
    }
}
