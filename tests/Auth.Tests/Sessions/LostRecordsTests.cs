using Microsoft.Extensions.Logging.Abstractions;
using WebMessenger.Auth.Sessions;
using WebMessenger.Storage.EventLog;

namespace WebMessenger.Auth.Tests.Sessions;

/// <summary>After a damage of the event log, or out of a backup: which login sessions had ended is not known any more.</summary>
public sealed class LostRecordsTests
{
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Attack_71_After_a_damage_browsers_and_passwords_have_ended_and_an_error_says_since_when_tokens_may_be_back(bool isDamaged)
    {
        await using var fixture = await AuthFixture.OpenAsync();
        var ana = await fixture.RegisterAsync("ana");
        var (ended, browser) = (await fixture.SignInAsync("ana"), await fixture.SignInAsync("ana"));
        var token = AuthFixture.Must(await fixture.Auth.Tokens.CreateAsync(ana, "bot", null, null, null));
        var note = LoginSessions.NoteOf(AuthFixture.Must(await fixture.MqttAsync("ana", AuthFixture.Password)));
        fixture.Time.Advance(TimeSpan.FromHours(1));
        await fixture.Auth.Sessions.EndAsync(ended.Session);
        await fixture.StopAsync();
        if (isDamaged)
        {
            DamageNewest(fixture.RoomsFolder);
        }

        for (var start = 0; start < 2; start++)
        {
            await fixture.RestartAsync();
            ana = fixture.Auth.Accounts.FindByUserName("ana")!;

            // With its end lost it would be back.
            Assert.Null(fixture.Auth.Sessions.FindByCookie(ended.Secret));
            Assert.Equal(isDamaged, fixture.Auth.Sessions.FindByCookie(browser.Secret) is null);
            Assert.Equal(isDamaged, fixture.Auth.Sessions.Restore(ana, "client-1", note) is null);
            Assert.NotNull(fixture.Auth.Tokens.FindBearer(token.Secret));
            Assert.Equal(isDamaged ? 2 : 1, fixture.Log.Text.Split("since 2026-11-23 08:00:00 UTC may be back").Length);
        }

        // Whoever signs in again stays so, by a password too.
        fixture.Time.Advance(TimeSpan.FromSeconds(1));
        var again = await fixture.SignInAsync("ana");
        var byPassword = LoginSessions.NoteOf(AuthFixture.Must(await fixture.MqttAsync("ana", AuthFixture.Password, "client-2")));
        await fixture.RestartAsync();
        Assert.NotNull(fixture.Auth.Sessions.FindByCookie(again.Secret));
        Assert.NotNull(fixture.Auth.Sessions.Restore(fixture.Auth.Accounts.FindByUserName("ana")!, "client-2", byPassword));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Login_sessions_of_a_backup_end_unless_they_are_to_be_kept(bool isKept)
    {
        await using var fixture = await AuthFixture.OpenAsync();
        var ana = await fixture.RegisterAsync("ana");
        var browser = await fixture.SignInAsync("ana");
        var note = LoginSessions.NoteOf(AuthFixture.Must(await fixture.MqttAsync("ana", AuthFixture.Password)));
        await fixture.StopAsync();
        RocksStore.RenewEpochsAtNextOpening(fixture.RoomsFolder);
        await using (var log = RocksEventLog.Open(fixture.RoomsFolder, null, fixture.Time, NullLogger<RocksEventLog>.Instance))
        {
            await (isKept ? RestoredSessions.KeepAllAsync(log, log) : RestoredSessions.EndAllAtStartAsync(log, log));
        }

        for (var start = 0; start < 2; start++)
        {
            await fixture.RestartAsync();
            ana = fixture.Auth.Accounts.FindByUserName("ana")!;
            Assert.Equal(isKept, fixture.Auth.Sessions.FindByCookie(browser.Secret) is not null);
            Assert.Equal(isKept, fixture.Auth.Sessions.Restore(ana, "client-1", note) is not null);
        }
    }

    [Fact]
    public async Task Attack_71_A_lost_state_is_a_damage_and_not_a_first_start()
    {
        await using var fixture = await AuthFixture.OpenAsync();
        var ana = await fixture.RegisterAsync("ana");
        var browser = await fixture.SignInAsync("ana");
        var token = AuthFixture.Must(await fixture.Auth.Tokens.CreateAsync(ana, "bot", null, null, null));
        await fixture.RestartAsync();
        Assert.NotNull(fixture.Auth.Sessions.FindByCookie(browser.Secret));

        await fixture.EventLog.WriteAsync([new("s"u8.ToArray(), null)]);
        for (var start = 0; start < 2; start++)
        {
            await fixture.RestartAsync();
            Assert.Null(fixture.Auth.Sessions.FindByCookie(browser.Secret));
            Assert.NotNull(fixture.Auth.Tokens.FindBearer(token.Secret));
            Assert.Equal(2, fixture.Log.Text.Split("The newest records of the event log are lost").Length);
        }
    }

    [Fact]
    public async Task Attack_71_A_state_of_a_copy_that_is_over_is_a_damage()
    {
        await using var fixture = await AuthFixture.OpenAsync();
        var ana = await fixture.RegisterAsync("ana");
        var browser = await fixture.SignInAsync("ana");
        var token = AuthFixture.Must(await fixture.Auth.Tokens.CreateAsync(ana, "bot", null, null, null));

        // As it was before the copy was over: but nothing is left to be copied, so what came after it is lost.
        await fixture.EventLog.WriteAsync([new("s"u8.ToArray(), [SessionRecord.Format, .. new byte[8]])]);
        await AssertEndedAsync(fixture, browser.Secret, token.Secret);
    }

    [Fact]
    public async Task Attack_71_A_state_without_its_event_is_a_damage_and_is_not_written_over()
    {
        await using var fixture = await AuthFixture.OpenAsync();
        var ana = await fixture.RegisterAsync("ana");
        var browser = await fixture.SignInAsync("ana");
        var token = AuthFixture.Must(await fixture.Auth.Tokens.CreateAsync(ana, "bot", null, null, null));
        await fixture.EventLog.DropAsync(LogName.Stored("s"));
        await AssertEndedAsync(fixture, browser.Secret, token.Secret);
    }

    private static async Task AssertEndedAsync(AuthFixture fixture, string browser, string token)
    {
        Assert.NotNull(fixture.Auth.Sessions.FindByCookie(browser));
        for (var start = 0; start < 2; start++)
        {
            await fixture.RestartAsync();
            Assert.Null(fixture.Auth.Sessions.FindByCookie(browser));
            Assert.NotNull(fixture.Auth.Tokens.FindBearer(token));
            Assert.Equal(2, fixture.Log.Text.Split("The newest records of the event log are lost").Length);
        }
    }

    [Fact]
    public async Task What_cannot_be_read_opens_nothing_and_a_newer_programs_are_not_touched()
    {
        await using var fixture = await AuthFixture.OpenAsync();
        await fixture.RegisterAsync("ana");
        var (known, foreign) = (await fixture.SignInAsync("ana"), await fixture.SignInAsync("ana"));
        var key = SessionRecord.Of(foreign.Session).Key;
        var whole = fixture.EventLog.Find(key)!;
        byte[][] unreadable = [[], [.. whole[..^1]], [(byte)(SessionRecord.Format + 1), .. whole[1..]]];
        foreach (var value in unreadable)
        {
            await fixture.EventLog.WriteAsync([new(key, value)]);
            await fixture.RestartAsync();

            Assert.Null(fixture.Auth.Sessions.FindByCookie(foreign.Secret));
            Assert.NotNull(fixture.Auth.Sessions.FindByCookie(known.Secret));
            Assert.Equal(value, fixture.EventLog.Find(key));
        }

        await fixture.EventLog.WriteAsync([new("s"u8.ToArray(), [SessionRecord.Format + 1, .. new byte[20]])]);
        await fixture.Auth.DisposeAsync();
        await fixture.EventLog.DisposeAsync();
        await fixture.Store.DisposeAsync();
        Assert.Contains("newer version", (await Assert.ThrowsAsync<IOException>(() => fixture.RestartAsync())).Message, StringComparison.Ordinal);
    }

    /// <summary>Flips a bit in the last record of the write-ahead log.</summary>
    private static void DamageNewest(string folder)
    {
        var path = Directory.GetFiles(folder, "*.log").MaxBy(path => new FileInfo(path).Length)!;
        var bytes = File.ReadAllBytes(path);
        bytes[^1] ^= 1;
        File.WriteAllBytes(path, bytes);
        Assert.NotNull(WalCheck.FindDamage(folder));
    }
}
