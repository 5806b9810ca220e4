using Microsoft.Extensions.Logging.Abstractions;
using WebMessenger.Auth.Interception;
using WebMessenger.Auth.Sessions;

namespace WebMessenger.Auth.Tests.Interception;

/// <summary>Login sessions that end just before, or just while, one of the four questions is asked.</summary>
public sealed class AuthInterceptorTests
{
    [Fact]
    public async Task Attack_24_A_filter_is_refused_to_whoever_is_signed_out_while_the_rooms_are_asked()
    {
        await using var fixture = await AuthFixture.OpenAsync();
        await fixture.RegisterAsync("ana");
        var session = (await fixture.SignInAsync("ana")).Session;
        var asked = 0;
        var interceptor = InterceptorOf(fixture, async () =>
        {
            if (++asked == 2)
            {
                await fixture.Auth.Sessions.EndAsync(session);
            }
        });

        Assert.True((await interceptor.MaySubscribeAsync(session, new Lobby(), TestContext.Current.CancellationToken)).IsAllowed);
        Assert.False((await interceptor.MaySubscribeAsync(session, new Lobby(), TestContext.Current.CancellationToken)).IsAllowed);

        // And from then on nobody is asked.
        Assert.False((await interceptor.MaySubscribeAsync(session, new Lobby(), TestContext.Current.CancellationToken)).IsAllowed);
        Assert.Equal(2, asked);
    }

    [Fact]
    public async Task Attack_24_28_Nothing_is_published_by_whoever_is_signed_out_or_past_their_time()
    {
        await using var fixture = await AuthFixture.OpenAsync();
        var account = await fixture.RegisterAsync("ana");
        var ended = (await fixture.SignInAsync("ana")).Session;

        // Before the next sweep, which would end it as well.
        var moment = TimeSpan.FromMilliseconds(100);
        var expired = AuthFixture.Must(await fixture.Auth.Tokens.CreateAsync(account, "bot", null, null, fixture.Time.GetUtcNow() + moment)).Token;
        var interceptor = InterceptorOf(fixture, () => Task.CompletedTask);
        Anywhere target = new();
        Assert.All([ended, expired], session => Assert.True(interceptor.MayPublish(session, target).IsAllowed && interceptor.MayReceive(session)));

        await fixture.Auth.Sessions.EndAsync(ended);
        Assert.False(interceptor.MayPublish(ended, target).IsAllowed || interceptor.MayReceive(ended));
        Assert.True(interceptor.MayPublish(expired, target).IsAllowed);

        fixture.Time.Advance(moment);
        Assert.False(expired.IsRevoked);
        Assert.False(interceptor.MayPublish(expired, target).IsAllowed || interceptor.MayReceive(expired));
    }

    private static AuthInterceptor InterceptorOf(AuthFixture fixture, Func<Task> whileAsked) =>
        new(fixture.Auth.MqttSignIn, fixture.Auth.Changes, new Rooms(whileAsked), new Nobody(), fixture.Time, fixture.Auth.Refusals,
            NullLogger<AuthInterceptor>.Instance);

    /// <summary>Rooms that take a while to say yes.</summary>
    private sealed class Rooms(Func<Task> whileAsked) : ITopicAccess
    {
        public async ValueTask<Verdict> MaySubscribeAsync(LoginSession session, IAskedFilter filter, CancellationToken cancellation)
        {
            await whileAsked();
            return Verdict.Allowed;
        }
    }

    private sealed class Lobby : IAskedFilter
    {
        public string Text => "rooms/lobby";
    }

    private sealed class Anywhere : IPublishTarget
    {
        public Verdict MayPublish(LoginSession session) => Verdict.Allowed;
    }

    private sealed class Nobody : IConnectingClients
    {
        public IConnectingClient? Find(string connectionName) => null;
    }
}
