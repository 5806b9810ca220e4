using LiteDB;
using Microsoft.Extensions.Logging.Abstractions;
using WebMessenger.Auth.Accounts;
using WebMessenger.Auth.Secrets;
using WebMessenger.Auth.Sessions;
using WebMessenger.Storage.Documents;
using WebMessenger.Storage.EventLog;

namespace WebMessenger.Auth.Tests.Sessions;

/// <summary>Login sessions and tokens that version 0.1 left in the document store.</summary>
public sealed class FormerSessionsTests
{
    private static readonly (string Browser, string Banned, string Token, string Limited) _secrets =
        (Secret.Create(), Secret.Create(), Secret.Create(Secret.TokenPrefix), Secret.Create(Secret.TokenPrefix));

    [Fact]
    public async Task What_version_0_1_has_left_is_taken_over_once_and_is_as_it_was()
    {
        await using var fixture = await AuthFixture.OpenAsync();
        var now = await LeaveAsync(fixture);
        await fixture.RestartAsync();

        for (var start = 0; start < 2; start++)
        {
            var browser = fixture.Auth.Sessions.FindByCookie(_secrets.Browser)!;
            Assert.Equal(
                ("browser", "Firefox on Linux", "192.0.2.10", now.AddDays(-1), now, now.AddDays(30)),
                (browser.Id, browser.Device, browser.Address, browser.CreatedAt, browser.LastSeen, browser.ExpiresAt));
            Assert.Equal(Scope.Everything, browser.Scope);
            var token = fixture.Auth.Tokens.FindBearer(_secrets.Token)!;
            Assert.Equal(("token", "größe", null, null, Verbs.All), (token.Id, token.Device, token.Address, token.ExpiresAt, token.Scope.Verbs));
            Assert.Null(token.Scope.Rooms);
            var limited = fixture.Auth.Tokens.FindBearer(_secrets.Limited)!;
            Assert.Equal((now.AddDays(2), Verbs.Read), (limited.ExpiresAt, limited.Scope.Verbs));
            Assert.Equal(["garden", "lobby"], limited.Scope.Rooms!.Order());

            // An account that was banned, and one that is gone.
            Assert.Null(fixture.Auth.Sessions.FindByCookie(_secrets.Banned));
            Assert.Equal(3, fixture.EventLog.ReadAll(SessionRecord.Prefix).Count);
            Assert.Empty(await FormerAsync(fixture));
            await fixture.RestartAsync();
        }
    }

    [Fact]
    public async Task A_kill_between_the_copy_and_the_removal_revives_nothing_that_has_ended_since()
    {
        await using var fixture = await AuthFixture.OpenAsync();
        await LeaveAsync(fixture);
        await fixture.RestartAsync();
        await fixture.Auth.Sessions.EndAsync(fixture.Auth.Sessions.FindByCookie(_secrets.Browser)!);
        Assert.True(await fixture.Auth.Tokens.RevokeAsync(fixture.Auth.Accounts.FindByUserName("ana")!, "token"));

        // As if the first start had been killed before it removed them there.
        await LeaveAsync(fixture, keepsRecords: true);
        await fixture.RestartAsync();

        Assert.Null(fixture.Auth.Sessions.FindByCookie(_secrets.Browser));
        Assert.Null(fixture.Auth.Tokens.FindBearer(_secrets.Token));
        Assert.NotNull(fixture.Auth.Tokens.FindBearer(_secrets.Limited));
        Assert.Empty(await FormerAsync(fixture));
    }

    [Fact]
    public async Task A_kill_amid_the_copy_loses_nothing()
    {
        await using var fixture = await AuthFixture.OpenAsync();
        await LeaveAsync(fixture);
        await fixture.RestartAsync();
        var browser = fixture.EventLog.ReadAll(SessionRecord.PrefixOf(fixture.Auth.Accounts.FindByUserName("ana")!.Id))[0];

        // As it was amid the copy: one lacks, and nothing says that it is complete.
        await fixture.EventLog.WriteAsync([new(browser.Key, null), new("s"u8.ToArray(), [SessionRecord.Format, .. new byte[8]])]);
        await LeaveAsync(fixture, keepsRecords: true);
        await fixture.RestartAsync();

        Assert.NotNull(fixture.Auth.Sessions.FindByCookie(_secrets.Browser));
        Assert.NotNull(fixture.Auth.Tokens.FindBearer(_secrets.Token));
        Assert.Equal(3, fixture.EventLog.ReadAll(SessionRecord.Prefix).Count);
        Assert.Empty(await FormerAsync(fixture));
    }

    [Theory]
    [InlineData(false, false)]
    [InlineData(false, true)]
    [InlineData(true, false)]
    [InlineData(true, true)]
    public async Task Login_sessions_of_a_backup_from_before_end_unless_they_are_to_be_kept(bool isKept, bool isAmidTheCopy)
    {
        await using var fixture = await AuthFixture.OpenAsync();
        await LeaveAsync(fixture);
        Directory.CreateDirectory(fixture.RoomsFolder);
        await using (var log = Open(fixture))
        {
            if (isAmidTheCopy)
            {
                var state = new RecordChange("s"u8.ToArray(), [SessionRecord.Format, .. new byte[8]]);
                Assert.Equal(AppendOutcome.Stored, (await log.AppendAsync(LogName.Stored("s"), "", null, 0, default, [state])).Outcome);
            }
        }

        RocksStore.RenewEpochsAtNextOpening(fixture.RoomsFolder);
        await using (var log = Open(fixture))
        {
            await (isKept ? RestoredSessions.KeepAllAsync(log, log) : RestoredSessions.EndAllAtStartAsync(log, log));
        }

        for (var start = 0; start < 2; start++)
        {
            await fixture.RestartAsync();
            Assert.Equal(isKept, fixture.Auth.Sessions.FindByCookie(_secrets.Browser) is not null);
            Assert.NotNull(fixture.Auth.Tokens.FindBearer(_secrets.Token));
            Assert.Empty(await FormerAsync(fixture));
        }
    }

    private static RocksEventLog Open(AuthFixture fixture) =>
        RocksEventLog.Open(fixture.RoomsFolder, null, fixture.Time, NullLogger<RocksEventLog>.Instance);

    /// <summary>Stops, and leaves the collections behind as that version wrote them.</summary>
    private static async Task<DateTimeOffset> LeaveAsync(AuthFixture fixture, bool keepsRecords = false)
    {
        var now = fixture.Time.GetUtcNow();
        var ana = (fixture.Auth.Accounts.FindByUserName("ana") ?? await fixture.RegisterAsync("ana")).Id;
        var bob = fixture.Auth.Accounts.FindByUserName("bob") ?? await fixture.RegisterAsync("bob");
        await fixture.Auth.Accounts.SetStandingAsync(bob, Standing.Good.With(new Ban(now, null)));
        await fixture.StopAsync();
        if (!keepsRecords)
        {
            Directory.Delete(fixture.RoomsFolder, recursive: true);
        }

        await using var store = DocumentStore.Open(fixture.StorePath);
        await store.WriteAsync(database =>
        {
            database.GetCollection("loginSessions").Insert([
                Browser("browser", ana, _secrets.Browser, now), Browser("banned", bob.Id, _secrets.Banned, now), Browser("erased", "agone", Secret.Create(), now)]);
            database.GetCollection("accessTokens").Insert([
                Token("token", ana, "größe", _secrets.Token, BsonValue.Null, Verbs.All, BsonValue.Null, now),
                Token("limited", ana, "bot", _secrets.Limited, new BsonArray("lobby", "garden"), Verbs.Read, now.AddDays(2).ToUnixTimeMilliseconds(), now)]);
        });
        return now;
    }

    private static BsonDocument Browser(string id, string account, string secret, DateTimeOffset now) => new()
    {
        ["_id"] = id,
        ["account"] = account,
        ["secret"] = SecretHash.Of(secret).ToBytes(),
        ["created"] = now.AddDays(-1).ToUnixTimeMilliseconds(),
        ["lastSeen"] = now.ToUnixTimeMilliseconds(),
        ["expires"] = now.AddDays(30).ToUnixTimeMilliseconds(),
        ["device"] = "Firefox on Linux",
        ["address"] = "192.0.2.10",
    };

    private static BsonDocument Token(
        string id, string account, string name, string secret, BsonValue rooms, Verbs verbs, BsonValue expires, DateTimeOffset now) => new()
    {
        ["_id"] = id,
        ["account"] = account,
        ["name"] = name,
        ["secret"] = SecretHash.Of(secret).ToBytes(),
        ["rooms"] = rooms,
        ["verbs"] = (int)verbs,
        ["created"] = now.AddDays(-1).ToUnixTimeMilliseconds(),
        ["expires"] = expires,
        ["lastSeen"] = now.ToUnixTimeMilliseconds(),
        ["address"] = BsonValue.Null,
    };

    private static Task<List<BsonDocument>> FormerAsync(AuthFixture fixture) => fixture.Store.ReadAsync(database =>
        new[] { "loginSessions", "accessTokens" }.SelectMany(name => database.GetCollection(name).FindAll()).ToList());
}
