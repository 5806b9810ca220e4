using Microsoft.Extensions.Logging;

namespace WebMessenger.Cluster.Nodes;

/// <summary>
/// The program's log for Orleans, which says much: warnings and errors of it only. It is the program's, and not ended by the silo.
/// </summary>
internal sealed class QuietLoggers(ILoggerFactory loggers) : ILoggerFactory
{
    public ILogger CreateLogger(string categoryName)
    {
        var logger = loggers.CreateLogger(categoryName);
        return categoryName.StartsWith("WebMessenger", StringComparison.Ordinal) ? logger : new Quiet(logger);
    }

    public void AddProvider(ILoggerProvider provider)
    {
        // The program decides where its log goes.
    }

    public void Dispose()
    {
        // Not this one's.
    }

    private sealed class Quiet(ILogger logger) : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => logger.BeginScope(state);

        public bool IsEnabled(LogLevel logLevel) => logLevel >= LogLevel.Warning && logger.IsEnabled(logLevel);

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            if (IsEnabled(logLevel))
            {
                logger.Log(logLevel, eventId, state, exception, formatter);
            }
        }
    }
}
