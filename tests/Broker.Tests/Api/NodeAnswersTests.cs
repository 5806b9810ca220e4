using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.Logging;
using WebMessenger.Broker.Api;
using WebMessenger.Storage.EventLog;
using WebMessenger.Storage.Nodes;
using WebMessenger.Storage.Replication;

namespace WebMessenger.Broker.Tests.Api;

public sealed class NodeAnswersTests
{
    [Fact]
    public async Task What_was_read_before_a_node_lost_touch_with_the_others_is_shown_to_nobody()
    {
        LosableLease lease = new();
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        await using var app = builder.Build();
        app.Urls.Add("http://127.0.0.1:0");
        NodeAnswers.Use(app, new TogetherReplication(), lease);
        app.MapGet("/api/quick", () => "read");
        app.MapGet("/api/long", () =>
        {
            // As if frozen between its look at rights and its answer; it has heard everything since.
            lease.Losses++;
            return "read";
        });
        app.MapPost("/api/look", () =>
        {
            lease.Losses++;
            return "read";
        }).OnlyReads();
        app.MapPost("/api/change", () =>
        {
            lease.Losses++;
            return "done";
        });
        await app.StartAsync(TestContext.Current.CancellationToken);
        using HttpClient http = new() { BaseAddress = new Uri(app.Urls.First()) };

        Assert.Equal("read", await http.GetStringAsync(new Uri("/api/quick", UriKind.Relative), TestContext.Current.CancellationToken));
        await Assert.ThrowsAsync<HttpRequestException>(() => http.GetStringAsync(new Uri("/api/long", UriKind.Relative), TestContext.Current.CancellationToken));
        await Assert.ThrowsAsync<HttpRequestException>(() => http.PostAsync(new Uri("/api/look", UriKind.Relative), null, TestContext.Current.CancellationToken));
        using var changed = await http.PostAsync(new Uri("/api/change", UriKind.Relative), null, TestContext.Current.CancellationToken);
        Assert.True(changed.IsSuccessStatusCode);
    }

    private sealed class LosableLease : ILease
    {
        public bool IsFresh => true;

        public long Losses { get; set; }

        public ValueTask WhenFreshAsync() => ValueTask.CompletedTask;
    }

    private sealed class TogetherReplication : IReplication
    {
        public bool IsAlone => false;

        public void HearRecords(string prefix, Action<RecordChange> heard) => throw new NotSupportedException();

        public void HearDocuments(string collection, Action<ReplicatedDocument> heard) => throw new NotSupportedException();

        public void HearLogs(Action<ReplicatedLog> heard) => throw new NotSupportedException();

        public void HearEnd(Action heard) => throw new NotSupportedException();

        public void Owe(Task work) => throw new NotSupportedException();

        public Task BeginAsync() => throw new NotSupportedException();

        public Task EverywhereAsync() => Task.CompletedTask;
    }
}
