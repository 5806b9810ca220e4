using WebMessenger.Broker.Clients;
using WebMessenger.Broker.Settings;
using WebMessenger.Broker.Streams;
using WebMessenger.Storage.EventLog;

namespace WebMessenger.Broker.Admin;

/// <summary>Measures how much goes on: every ten seconds for now, every minute for the curves (<see cref="Figures"/>).</summary>
/// <remarks>One thread at a time measures; <see cref="Rates"/> is for any.</remarks>
internal sealed partial class ServerSampler(
    ConnectionDirectory connections,
    DeliveryTimes deliveries,
    Figures figures,
    IRecords records,
    BrokerSettings settings,
    TimeProvider time,
    ILogger<ServerSampler> logger) : BackgroundService
{
    private const int LooksAMinute = 6;

    private static readonly TimeSpan s_betweenLooks = TimeSpan.FromSeconds(10);

    private (long At, DeliveryTotals Told, TrafficTotals Traffic) _before;
    private (long At, DeliveryTotals Told) _minute;
    private volatile RatesView _rates = new(0, 0, 0, 0);
    private bool _isOver;

    public RatesView Rates => _rates;

    public override async Task StopAsync(CancellationToken cancellationToken)
    {
        await base.StopAsync(cancellationToken);

        // A host that is disposed after its stop stops once more, and the store is closed by then.
        if (!_isOver)
        {
            _isOver = true;
            await StoreAsync(figures.Rest());
        }
    }

    /// <summary>What goes on since the last look.</summary>
    internal void Look()
    {
        var now = (At: time.GetTimestamp(), Told: deliveries.Totals, connections.Figures().Traffic);
        if (_before.At != 0 && time.GetElapsedTime(_before.At, now.At).TotalSeconds is > 0 and var seconds)
        {
            double Rate(long after, long before) => Math.Round((after - before) / seconds, 2);
            _rates = new RatesView(
                Rate(now.Told.Events, _before.Told.Events),
                Rate(now.Told.Deliveries, _before.Told.Deliveries),
                Rate(now.Traffic.BytesIn, _before.Traffic.BytesIn),
                Rate(now.Traffic.BytesOut, _before.Traffic.BytesOut));
        }

        _before = now;
    }

    /// <summary>The figures of a minute.</summary>
    internal IReadOnlyList<RecordChange> Measure()
    {
        var now = (At: time.GetTimestamp(), Told: deliveries.Totals);
        var seconds = _minute.At == 0 ? 0 : time.GetElapsedTime(_minute.At, now.At).TotalSeconds;
        var messages = seconds > 0 ? (now.Told.Events - _minute.Told.Events) / seconds : double.NaN;
        _minute = now;
        var ways = deliveries.Take();
        return figures.Put(
        [
            connections.Count,
            (float)messages,
            (float)(ways?.P50 ?? double.NaN),
            (float)(ways?.P99 ?? double.NaN),
            settings.Cluster is null ? StoreSizes.Of(settings.DataFolder).Sum(store => store.Bytes) : float.NaN,
            Environment.WorkingSet,
        ]);
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        // Not on the thread that starts the program: it reads the disk.
        await Task.Yield();
        using PeriodicTimer timer = new(s_betweenLooks, time);
        try
        {
            await LoadAsync();
            for (var looks = 0; ; looks++)
            {
                try
                {
                    Look();
                    if (looks % LooksAMinute == 0)
                    {
                        await StoreAsync(Measure());
                    }
                }
                catch (Exception error) when (error is not OutOfMemoryException)
                {
                    // Figures are no reason to end the server.
                    LogFailed(logger, error);
                }

                if (!await timer.WaitForNextTickAsync(stoppingToken))
                {
                    return;
                }
            }
        }
        catch (OperationCanceledException)
        {
            // The end.
        }
    }

    private async Task LoadAsync()
    {
        try
        {
            await figures.LoadAsync();
        }
        catch (IOException error)
        {
            LogFailed(logger, error);
        }
    }

    private async Task StoreAsync(IReadOnlyList<RecordChange> changes)
    {
        if (changes.Count == 0)
        {
            return;
        }

        try
        {
            await records.WriteAsync(changes);
        }
        catch (Exception error) when (error is IOException or ObjectDisposedException)
        {
            // Told by the log. These ten minutes are missing after a restart.
        }
    }

    [LoggerMessage(4371, LogLevel.Error, "How much goes on could not be measured; it is tried again")]
    private static partial void LogFailed(ILogger logger, Exception error);
}
