using Microsoft.Extensions.Logging;
using WebMessenger.Cluster.Nodes;

namespace WebMessenger.Cluster.Tests.Nodes;

public sealed class QuietLoggersTests
{
    [Theory]
    [InlineData("Orleans.Networking", LogLevel.Error, LogLevel.Information, true)]
    [InlineData("Orleans.Networking", LogLevel.Warning, LogLevel.Information, false)]
    [InlineData("Orleans.Networking", LogLevel.Warning, LogLevel.Debug, true)]
    [InlineData("Orleans.Networking", LogLevel.Information, LogLevel.Debug, false)]
    [InlineData("WebMessenger.Cluster.Nodes.NodeService", LogLevel.Information, LogLevel.Debug, false)]
    [InlineData("WebMessenger.Cluster.Nodes.LinkIntake", LogLevel.Warning, LogLevel.Information, true)]
    public void Errors_of_Orleans_are_told_its_warnings_to_who_debugs_and_all_that_the_program_says(string by, LogLevel said, LogLevel from, bool isTold)
    {
        using Told told = new();
        using var loggers = LoggerFactory.Create(builder => builder.SetMinimumLevel(from).AddProvider(told));
        using QuietLoggers quiet = new(loggers);

        quiet.CreateLogger(by).Log(said, "Connection attempt failed");

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
