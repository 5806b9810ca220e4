using System.Net;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Time.Testing;
using WebMessenger.Broker.Api;
using WebMessenger.Broker.Settings;
using WebMessenger.Broker.Tests.Clients;
using WebMessenger.Broker.Tests.Host;

namespace WebMessenger.Broker.Tests.Api;

/// <summary>
/// Places of requests whose ends the tests decide, which a client at the other end of a socket could not do to the request.
/// </summary>
public sealed class RequestPlacesTests : IDisposable
{
    private const string Stranger = "203.0.113.7";
    private const int RefusedStream = 7;

    private readonly FakeTimeProvider _time = new();
    private readonly TaskCompletionSource _end = new();
    private readonly ServiceProvider _services = new ServiceCollection().AddLogging().BuildServiceProvider();
    private int _served;

    public void Dispose() => _services.Dispose();

    [Fact]
    public async Task Fault_S3_Health_checks_of_an_address_have_sixteen_places_beside_all_others()
    {
        using var requests = await RequestsAsync();
        var crowd = Serve(requests, Request("/", Stranger));
        var checks = Enumerable.Range(0, 16).Select(_ => Serve(requests, Request("/health/ready", Stranger))).ToList();
        Assert.Equal(17, _served);

        var refused = Request("/health/ready", Stranger);
        await Serve(requests, refused);
        Assert.Equal(StatusCodes.Status503ServiceUnavailable, refused.Response.StatusCode);
        Assert.Equal(17, _served);
        checks.Add(Serve(requests, Request("/health/ready", "203.0.113.8")));
        Assert.Equal(18, _served);

        _end.SetResult();
        await Task.WhenAll([crowd, .. checks]);
        await Serve(requests, Request("/health/ready", Stranger));
        Assert.Equal(19, _served);
    }

    [Fact]
    public async Task Fault_S3_Refusals_that_nobody_reads_are_as_many_as_there_are_places_and_the_next_stream_is_reset()
    {
        using var requests = await RequestsAsync();
        var served = Serve(requests, Request("/", Stranger));
        var waiting = Enumerable.Range(1, 4).Select(i => Serve(requests, Request("/", $"203.0.113.{100 + i}"))).ToArray();
        Assert.Equal(4, requests.Waiting);

        UnreadAnswer unread = new();
        var refused = Request("/", "203.0.113.8", unread);
        var refusing = Serve(requests, refused);
        Assert.Equal(StatusCodes.Status503ServiceUnavailable, refused.Response.StatusCode);
        Assert.False(refusing.IsCompleted);

        UnreadAnswer stream = new(), connection = new();
        var reset = Request("/", "203.0.113.9", stream);
        reset.Features.Set<IHttpResetFeature>(stream);
        await Serve(requests, reset);
        await Serve(requests, Request("/", "203.0.113.10", connection));
        Assert.Equal((RefusedStream, false), (stream.ResetWith, stream.IsAborted));
        Assert.True(connection.IsAborted);
        Assert.Equal(1, _served);

        // The refusal that nobody reads ends, and whoever waited too long is told so.
        _time.Advance(RequestsUnderWay.LongestWait);
        await refusing;
        Assert.True(unread.IsAborted);
        await Task.WhenAll(waiting);
        _end.SetResult();
        await served;
    }

    [Fact]
    public async Task Fault_S1_Whoever_has_few_gets_a_place_from_who_has_many_and_never_a_young_one()
    {
        using RequestPlaces places = new(8, 4, 100, _time);
        List<string> ended = [];
        Dictionary<string, RequestPlaces.Place> held = [];
        foreach (var name in new[] { "a1", "b1", "a2", "b2", "a3", "b3", "a4", "b4" })
        {
            held[name] = (await FindAsync(places, name[0] == 'a' ? Stranger : "203.0.113.8", () => ended.Add(name)))!;
        }

        // Asks again at once whatever it loses, and before the newcomer does.
        var again = FindAsync(places, Stranger).AsTask();
        var newcomer = FindAsync(places, "203.0.113.200").AsTask();
        _time.Advance(TimeSpan.FromMilliseconds(900));
        Assert.Empty(ended);
        _time.Advance(TimeSpan.FromMilliseconds(100));
        Assert.Equal(["a1"], ended);
        held["a1"].Dispose();

        using (var place = await newcomer)
        {
            Assert.NotNull(place);
            Assert.False(again.IsCompleted);
        }

        (await again)?.Dispose();
        Assert.Equal(0, places.Waiting);
    }

    [Theory]
    [InlineData("203.0.113.7", "203.0.113.8")]
    [InlineData("2001:db8:1:1::1", "2001:db8:1:2::1")]
    public async Task Fault_S1_A_full_queue_makes_room_for_who_has_none_waiting_and_not_for_its_own_network(string one, string other)
    {
        using RequestPlaces places = new(1, 10, 4, _time);
        var held = await FindAsync(places, "203.0.113.100");
        var waiting = new[] { one, one, other, other }.Select(address => FindAsync(places, address).AsTask()).ToList();
        Assert.Null(await FindAsync(places, other));
        Assert.All(waiting, task => Assert.False(task.IsCompleted));

        var newcomer = FindAsync(places, "203.0.113.200").AsTask();
        await HandshakeTests.UntilAsync(() => waiting.Any(task => task.IsCompleted));
        Assert.False(newcomer.IsCompleted);
        Assert.Equal(4, places.Waiting);
        _time.Advance(RequestsUnderWay.LongestWait);
        Assert.All(await Task.WhenAll(waiting.Append(newcomer)), Assert.Null);
        held!.Dispose();
    }

    [Fact]
    public async Task Fault_S1_Requests_of_many_addresses_of_a_network_yield_as_those_of_one()
    {
        using RequestPlaces places = new(8, 4, 100, _time);
        List<int> ended = [];
        for (var i = 0; i < 8; i++)
        {
            var number = i;
            Assert.NotNull(await FindAsync(places, $"2001:db8:1:{i:x}::1", () => ended.Add(number)));
        }

        var newcomer = FindAsync(places, "203.0.113.200").AsTask();
        _time.Advance(RequestPlaces.Young);
        _time.Advance(RequestPlaces.Young);

        // One is enough, however long it takes to end.
        Assert.Single(ended);
        Assert.False(newcomer.IsCompleted);
    }

    [Fact]
    public async Task Fault_S1_Of_many_who_have_one_each_none_loses_it_and_who_waited_too_long_is_told_so()
    {
        using RequestPlaces places = new(3, 2, 1, _time);
        var ended = 0;
        var held = await Task.WhenAll(Enumerable.Range(1, 3).Select(i => FindAsync(places, $"203.0.113.{i}", () => ended++).AsTask()));

        var newcomer = FindAsync(places, "203.0.113.200").AsTask();
        Assert.Equal(1, places.Waiting);
        Assert.Null(await FindAsync(places, "203.0.113.201"));
        _time.Advance(RequestsUnderWay.LongestWait);

        Assert.Null(await newcomer);
        Assert.Equal((0, 0), (ended, places.Waiting));
        Assert.All(held, place => place!.Dispose());
        using var later = await FindAsync(places, "203.0.113.200");
        Assert.NotNull(later);
    }

    [Fact]
    public async Task Fault_S1_Requests_of_a_network_of_IPv6_are_four_addresses_at_most()
    {
        using RequestPlaces places = new(1_000, 4, 0, _time);
        List<RequestPlaces.Place> held = [];
        for (var i = 0; i < 60; i++)
        {
            if (await FindAsync(places, $"2001:db8:1:{i % 20:x}::1") is { } place)
            {
                held.Add(place);
            }
        }

        Assert.Equal(16, held.Count);
        using (var neighbour = await FindAsync(places, "2001:db8:2:1::1"))
        {
            Assert.NotNull(neighbour);
        }

        held.ForEach(place => place.Dispose());
        using var again = await FindAsync(places, "2001:db8:1:13::1");
        Assert.NotNull(again);
    }

    private static ValueTask<RequestPlaces.Place?> FindAsync(RequestPlaces places, string address, Action? end = null) =>
        places.FindAsync(IPAddress.Parse(address), end ?? (() => { }), RequestsUnderWay.LongestWait, TestContext.Current.CancellationToken);

    // With one place.
    private async Task<RequestsUnderWay> RequestsAsync()
    {
        await using var broker = await RunningBroker.StartAsync("--WebMessenger:Limits:RequestsUnderWay=1");
        return new RequestsUnderWay(broker.Get<BrokerSettings>(), _time);
    }

    private Task Serve(RequestsUnderWay requests, HttpContext context) => requests.ServeAsync(context, _ =>
    {
        _served++;
        return _end.Task;
    });

    private DefaultHttpContext Request(string path, string address, UnreadAnswer? answer = null)
    {
        DefaultHttpContext context = new() { RequestServices = _services };
        if (answer is not null)
        {
            context.Features.Set<IHttpRequestLifetimeFeature>(answer);
            context.Response.Body = answer;
        }

        context.Request.Path = path;
        context.Connection.RemoteIpAddress = IPAddress.Parse(address);
        return context;
    }

    /// <summary>A client that takes nothing until the server gives up on it.</summary>
    private sealed class UnreadAnswer : MemoryStream, IHttpRequestLifetimeFeature, IHttpResetFeature
    {
        private readonly CancellationTokenSource _abort = new();

        public int ResetWith { get; private set; }

        public bool IsAborted => _abort.IsCancellationRequested;

        public CancellationToken RequestAborted
        {
            get => _abort.Token;
            set => throw new NotSupportedException();
        }

        public void Abort() => _abort.Cancel();

        public void Reset(int errorCode) => ResetWith = errorCode;

        public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default) =>
            new(Task.Delay(Timeout.Infinite, _abort.Token));

        protected override void Dispose(bool disposing)
        {
            _abort.Dispose();
            base.Dispose(disposing);
        }
    }
}
