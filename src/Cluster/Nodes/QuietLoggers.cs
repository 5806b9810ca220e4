using Microsoft.Extensions.Logging;

namespace WebMessenger.Cluster.Nodes;

/// <summary>
/// The program's log for Orleans. Whatever befalls a node the program says in a line of its own.
/// Orleans says it many times over, with the place in its code: its errors are told, and its warnings only to who asks for debugging.
/// The log is the program's, and not ended by the silo.
/// </summary>
internal sealed class QuietLoggers(ILoggerFactory loggers) : ILoggerFactory
{
    // What Orleans says of its grain services it says in the name of each.
    private static readonly string _service = typeof(NodeService).FullName!;

    public ILogger CreateLogger(string categoryName)
    {
        var logger = loggers.CreateLogger(categoryName);
        return categoryName.StartsWith("WebMessenger", StringComparison.Ordinal) && categoryName != _service ? logger : new Quiet(logger);
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

        public bool IsEnabled(LogLevel logLevel) => logLevel >= LogLevel.Warning && logger.IsEnabled(Told(logLevel));

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            var told = Told(logLevel);
            if (logLevel >= LogLevel.Warning && logger.IsEnabled(told))
            {
                logger.Log(told, eventId, state, exception, formatter);
            }
        }

        private static LogLevel Told(LogLevel level) => level == LogLevel.Warning ? LogLevel.Debug : level;
    }
}
