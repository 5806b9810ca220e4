using Microsoft.Extensions.Logging;
using WebMessenger.Cluster.Nodes;

namespace WebMessenger.Cluster.Tests.Nodes;

public sealed class QuietLoggersTests
{
    [Theory]
    [InlineData(LogLevel.Error, LogLevel.Information, true)]
    [InlineData(LogLevel.Warning, LogLevel.Information, false)]
    [InlineData(LogLevel.Warning, LogLevel.Debug, true)]
    [InlineData(LogLevel.Information, LogLevel.Debug, false)]
    public void Errors_of_Orleans_are_told_and_its_warnings_to_who_debugs(LogLevel said, LogLevel from, bool isTold)
    {
        using Told told = new();
        using var loggers = LoggerFactory.Create(builder => builder.SetMinimumLevel(from).AddProvider(told));
        using QuietLoggers quiet = new(loggers);

        quiet.CreateLogger("Orleans.Networking").Log(said, "Connection attempt failed");

        Assert.Equal(isTold ? ["Connection attempt failed"] : [], told.Lines);
    }

    private sealed class Told : ILoggerProvider, ILogger
    {
        public List<string> Lines { get; } = [];

        public ILogger CreateLogger(string categoryName) => this;

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
            Lines.Add(formatter(state, exception));

        public void Dispose()
        {
            // It has nothing.
        }
    }
}
