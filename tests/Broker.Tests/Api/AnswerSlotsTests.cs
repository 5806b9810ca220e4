using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Time.Testing;
using WebMessenger.Auth.Sessions;
using WebMessenger.Auth.SigningIn;
using WebMessenger.Broker.Api;
using WebMessenger.Broker.Settings;
using WebMessenger.Broker.Tests.Host;

namespace WebMessenger.Broker.Tests.Api;

/// <summary>How many long answers are on their way at once, and for how long.</summary>
public sealed class AnswerSlotsTests
{
    private readonly FakeTimeProvider _time = new();

    [Theory]
    [InlineData(2, 0)]
    [InlineData(0, 2)]
    public async Task Fault_S3_Only_so_many_answers_wait_for_readers_and_whoever_comes_then_waits_for_one(int perAccount, int perAddress)
    {
        await using var broker = await RunningBroker.StartAsync();
        var ana = (await broker.SignInAsync((await broker.RegisterAsync("ana")).Account)).Session;
        using AnswerSlots slots = new(new BrokerLimits { AnswersPerAccount = perAccount, AnswersPerAddress = perAddress }, _time);
        Answer[] taken = [new(), new()];
        var taking = taken.Select(async answer =>
        {
            var context = Context(ana);
            await ((IResult)(await slots.AnswerAsync(context, () => ValueTask.FromResult<object?>(answer)))!).ExecuteAsync(context);
        }).ToArray();

        var third = slots.AnswerAsync(Context(ana), () => ValueTask.FromResult<object?>(new Answer())).AsTask();
        var refusedContext = Context(ana);
        var fourth = slots.AnswerAsync(refusedContext, () => throw new InvalidOperationException("never asked")).AsTask();
        Assert.False(third.IsCompleted);
        taken[0].End.SetResult();
        await taking[0];
        Assert.IsNotType<ProblemHttpResult>(await third);

        Assert.False(fourth.IsCompleted);
        _time.Advance(TimeSpan.FromSeconds(5));
        Assert.Equal(429, Assert.IsType<ProblemHttpResult>(await fourth).StatusCode);
        Assert.Equal("5", refusedContext.Response.Headers.RetryAfter);
        taken[1].End.SetResult();
        await taking[1];
    }

    [Fact]
    public async Task Fault_S3_A_thousand_wait_for_a_slot_and_the_next_is_refused_at_once()
    {
        await using var broker = await RunningBroker.StartAsync();
        var ana = (await broker.SignInAsync((await broker.RegisterAsync("ana")).Account)).Session;
        using AnswerSlots slots = new(new BrokerLimits { AnswersPerAccount = 1, AnswersPerAddress = 0 }, _time);
        Assert.IsAssignableFrom<IResult>(await slots.AnswerAsync(Context(ana), () => ValueTask.FromResult<object?>(new Answer())));
        var waiting = Enumerable.Range(0, 1_000)
            .Select(_ => slots.AnswerAsync(Context(ana), () => throw new InvalidOperationException("never asked")).AsTask()).ToArray();
        Assert.DoesNotContain(waiting, request => request.IsCompleted);

        var refused = slots.AnswerAsync(Context(ana), () => throw new InvalidOperationException("never asked"));

        Assert.True(refused.IsCompleted);
        Assert.Equal(429, Assert.IsType<ProblemHttpResult>(await refused).StatusCode);
        _time.Advance(TimeSpan.FromSeconds(5));
        Assert.All(await Task.WhenAll(waiting), answer => Assert.Equal(429, Assert.IsType<ProblemHttpResult>(answer).StatusCode));
    }

    [Fact]
    public async Task Fault_S3_Guests_take_two_answers_each_and_never_the_lists_of_their_neighbours()
    {
        await using var broker = await RunningBroker.StartAsync();
        Assert.True((await broker.Get<Registration>().EnterAsGuestAsync("Gast", null)).TryGet(out var entered, out _));
        var guest = (await broker.SignInAsync(entered)).Session;
        var ana = (await broker.SignInAsync((await broker.RegisterAsync("ana")).Account)).Session;
        using AnswerSlots slots = new(new BrokerLimits { AnswersPerAddress = 3 }, _time);
        for (var i = 0; i < 2; i++)
        {
            Assert.IsNotType<ProblemHttpResult>(await AnswerAsync(guest));
        }

        var third = AnswerAsync(guest);
        Assert.False(third.IsCompleted);
        _time.Advance(TimeSpan.FromSeconds(5));
        Assert.IsType<ProblemHttpResult>(await third);

        // The address has one more, and then none, but for the list of rooms.
        Assert.IsNotType<ProblemHttpResult>(await AnswerAsync(ana));
        var fourth = AnswerAsync(ana);
        Assert.False(fourth.IsCompleted);
        Assert.IsNotType<ProblemHttpResult>(await AnswerAsync(ana, isList: true));
        _time.Advance(TimeSpan.FromSeconds(5));
        Assert.IsType<ProblemHttpResult>(await fourth);

        // Nobody takes these answers, so each keeps its slot.
        Task<object?> AnswerAsync(LoginSession who, bool isList = false) =>
            slots.AnswerAsync(Context(who), () => ValueTask.FromResult<object?>(new Answer()), isList).AsTask();
    }

    [Fact]
    public async Task Fault_S3_A_reader_that_does_not_take_its_answer_is_cut_off()
    {
        await using var broker = await RunningBroker.StartAsync();
        var ana = (await broker.SignInAsync((await broker.RegisterAsync("ana")).Account)).Session;
        using AnswerSlots slots = new(new BrokerLimits { AnswersPerAccount = 1 }, _time);
        var context = Context(ana);
        Answer answer = new();
        var taking = ((IResult)(await slots.AnswerAsync(context, () => ValueTask.FromResult<object?>(answer)))!).ExecuteAsync(context);

        _time.Advance(AnswerSlots.LongestTaking - TimeSpan.FromSeconds(1));
        Assert.False(context.RequestAborted.IsCancellationRequested);
        _time.Advance(TimeSpan.FromSeconds(1));

        Assert.True(context.RequestAborted.IsCancellationRequested);
        await taking;
        Assert.NotNull(await slots.AnswerAsync(Context(ana), () => ValueTask.FromResult<object?>("the slot is free")));
    }

    [Fact]
    public async Task An_answer_that_is_being_taken_is_cut_off_when_its_reader_is_signed_out()
    {
        await using var broker = await RunningBroker.StartAsync();
        var ana = (await broker.SignInAsync((await broker.RegisterAsync("ana")).Account)).Session;
        using AnswerSlots slots = new(new BrokerLimits(), _time);
        var context = Context(ana);
        var taking = ((IResult)(await slots.AnswerAsync(context, () => ValueTask.FromResult<object?>(new Answer())))!).ExecuteAsync(context);
        Assert.False(context.RequestAborted.IsCancellationRequested);

        await broker.Get<LoginSessions>().EndAsync(ana, RevocationReason.SignedOut);

        Assert.True(context.RequestAborted.IsCancellationRequested);
        await taking;
        var late = Context(ana);
        await ((IResult)(await slots.AnswerAsync(late, () => ValueTask.FromResult<object?>(new Answer())))!).ExecuteAsync(late);
        Assert.True(late.RequestAborted.IsCancellationRequested);
    }

    [Fact]
    public async Task An_answer_that_fails_gives_its_slot_back()
    {
        await using var broker = await RunningBroker.StartAsync();
        var ana = (await broker.SignInAsync((await broker.RegisterAsync("ana")).Account)).Session;
        using AnswerSlots slots = new(new BrokerLimits { AnswersPerAccount = 1 }, _time);

        await Assert.ThrowsAsync<IOException>(async () => await slots.AnswerAsync(Context(ana), () => throw new IOException("damaged")));

        Assert.Equal("free", await slots.AnswerAsync(Context(ana), () => ValueTask.FromResult<object?>("free")));
    }

    [Fact]
    public async Task A_long_answer_takes_a_slot_though_nobody_asked_for_one_and_is_refused_without()
    {
        await using var broker = await RunningBroker.StartAsync();
        var ana = (await broker.SignInAsync((await broker.RegisterAsync("ana")).Account)).Session;
        using AnswerSlots slots = new(new BrokerLimits { AnswersPerAccount = 1 }, _time);
        await using var services = new ServiceCollection().AddLogging().AddSingleton(slots).BuildServiceProvider();
        static JsonAnswer Made(int length) => new(writer => writer.WriteString("text"u8, new string('x', length)));
        async Task<(int Status, long Bytes)> AnsweredAsync(Func<DefaultHttpContext, Task> answer)
        {
            var context = Context(ana);
            (context.RequestServices, context.Response.Body) = (services, new MemoryStream());
            await answer(context);
            return (context.Response.StatusCode, context.Response.Body.Length);
        }

        const int Long = JsonAnswer.LongestWithoutSlot;
        Assert.Equal((200, Long + 11), await AnsweredAsync(context => Made(Long).ExecuteAsync(context)));

        // In the slot that its endpoint asked for it takes no second one.
        Assert.Equal((200, Long + 11), await AnsweredAsync(async context =>
            await ((IResult)(await slots.AnswerAsync(context, () => ValueTask.FromResult<object?>(Made(Long))))!).ExecuteAsync(context)));

        Assert.IsAssignableFrom<IResult>(await slots.AnswerAsync(Context(ana), () => ValueTask.FromResult<object?>(new Answer())));
        Assert.Equal(429, (await AnsweredAsync(context => Made(Long).ExecuteAsync(context))).Status);
        Assert.Equal((200, Long), await AnsweredAsync(context => Made(Long - 11).ExecuteAsync(context)));
    }

    [Fact]
    public async Task What_grows_with_what_is_stored_is_answered_in_a_slot()
    {
        await using var broker = await RunningBroker.StartAsync();
        var inSlots = broker.Get<EndpointDataSource>().Endpoints.OfType<RouteEndpoint>().Where(endpoint => endpoint.Metadata.GetMetadata<LongAnswer>() is not null)
            .Select(endpoint => $"{endpoint.Metadata.GetMetadata<HttpMethodMetadata>()!.HttpMethods[0]} /{endpoint.RoutePattern.RawText!.Trim('/')}").ToList();

        foreach (var path in (string[])
        [
            "GET /api/rooms", "GET /api/rooms/{room}/events", "GET /api/rooms/{room}/pins", "GET /api/rooms/{room}/people", "GET /api/rooms/{room}/members",
            "GET /api/rooms/{room}/bans", "GET /api/rooms/{room}/audit",
            "GET /api/rooms/{room}/data", "GET /api/rooms/{room}/data/history", "GET /api/rooms/{room}/devices", "GET /api/rooms/{room}/devices/{token}/trace",
            "GET /api/rooms/{room}/hooks", "POST /api/rooms/{room}/hooks/preview", "GET /api/rooms/{room}/rules", "GET /api/rooms/{room}/webhooks",
            "GET /api/conversations", "GET /api/conversations/{user}/events", "GET /api/whispers", "GET /api/notices", "GET /api/saved", "GET /api/search",
            "GET /api/ignored",
        ])
        {
            Assert.Contains(path, inSlots);
        }
    }

    private static DefaultHttpContext Context(LoginSession who)
    {
        DefaultHttpContext context = new();
        context.Features.Set<IHttpRequestLifetimeFeature>(new Lifetime());
        context.Features.Set(who);
        return context;
    }

    private sealed class Answer : IResult
    {
        public TaskCompletionSource End { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public Task ExecuteAsync(HttpContext httpContext) => End.Task.WaitAsync(httpContext.RequestAborted);
    }

    private sealed class Lifetime : IHttpRequestLifetimeFeature
    {
        private readonly CancellationTokenSource _end = new();

        public Lifetime() => RequestAborted = _end.Token;

        public CancellationToken RequestAborted { get; set; }

        public void Abort() => _end.Cancel();
    }
}
