using System.Net;
using System.Text.Json;
using WebMessenger.Auth.SigningIn;
using WebMessenger.Broker.Preferences;
using WebMessenger.Broker.Rooms;
using WebMessenger.Broker.Tests.Api;
using WebMessenger.Broker.Tests.Host;
using WebMessenger.Storage.EventLog;

namespace WebMessenger.Broker.Tests.Preferences;

/// <summary>What pages look and behave like is kept with the account.</summary>
public sealed class AccountSettingsTests
{
    private const string Path = "/api/settings";
    private const string Password = "correct horse battery staple";

    [Fact]
    public async Task What_one_device_sets_the_other_has_and_null_takes_it_away()
    {
        await using var fixture = await ApiFixture.StartAsync();
        using var ana = await fixture.RegisterAsync("ana");
        using var bea = await fixture.RegisterAsync("bea");
        Assert.Equal("{}", (await ana.ReadAsync(Path)).GetRawText());

        Assert.Equal("""{"clock":"24","density":"compact"}""", await ChangeAsync(ana, """{"density":"compact","clock":"24"}"""));
        Assert.Equal("""{"clock":"12","density":"compact","quiet":true,"size":120}""", await ChangeAsync(ana, """{"clock":"12","size":120,"quiet":true,"unset":null}"""));
        Assert.Equal("""{"clock":"12","quiet":true,"size":120}""", await ChangeAsync(ana, """{"density":null}"""));

        using var phone = fixture.OpenBrowser();
        await phone.PostAsync("/api/session", new { login = "ana", password = ApiFixture.Password }).MustBe(HttpStatusCode.OK);
        Assert.Equal("""{"clock":"12","quiet":true,"size":120}""", (await phone.ReadAsync(Path)).GetRawText());
        Assert.Equal("{}", (await bea.ReadAsync(Path)).GetRawText());
    }

    [Theory]
    [InlineData("""{"Density":"compact"}""", "name:invalid")]
    [InlineData("""{"":"x"}""", "name:invalid")]
    [InlineData("""{"a b":"x"}""", "name:invalid")]
    [InlineData("""{"a\n":"x"}""", "name:invalid")]
    [InlineData("""{"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa":"x"}""", "name:invalid")]
    [InlineData("""{"good":"x","density":["compact"]}""", "density:invalid")]
    [InlineData("""{"density":{"a":1}}""", "density:invalid")]
    [InlineData("""{"density":"\ud800"}""", "density:invalid")]
    [InlineData("""{"density":"0123456789012345678901234567890123456789012345678901234567890123x"}""", "density:invalid")]
    public async Task A_wrong_setting_is_named_and_changes_nothing(string body, string fields)
    {
        await using var fixture = await ApiFixture.StartAsync();
        using var ana = await fixture.RegisterAsync("ana");
        await ChangeAsync(ana, """{"density":"compact"}""");

        Assert.Equal("invalid_fields " + fields, await ana.SendTextAsync(HttpMethod.Patch, Path, body).ProblemAsync(HttpStatusCode.BadRequest));
        Assert.Equal("""{"density":"compact"}""", (await ana.ReadAsync(Path)).GetRawText());
    }

    [Fact]
    public async Task All_settings_of_an_account_are_bounded()
    {
        await using var fixture = await ApiFixture.StartAsync();
        using var ana = await fixture.RegisterAsync("ana");
        var half = string.Join(',', Enumerable.Range(0, 28).Select(one => $"\"first{one}\":\"{new string('x', 64)}\""));
        await ChangeAsync(ana, $$"""{{{half}}}""");

        var rest = half.Replace("first", "other", StringComparison.Ordinal);
        Assert.Equal("too_large", await ana.SendTextAsync(HttpMethod.Patch, Path, $$"""{{{rest}}}""").ProblemAsync(HttpStatusCode.RequestEntityTooLarge));
        Assert.Equal("too_large", await ana.SendTextAsync(HttpMethod.Patch, Path, "{" + new string(' ', AccountSettings.MaxBytes) + "}").ProblemAsync(HttpStatusCode.RequestEntityTooLarge));
        Assert.Equal(28, (await ana.ReadAsync(Path)).EnumerateObject().Count());
    }

    [Fact]
    public async Task Of_a_guest_and_for_a_token_there_are_none()
    {
        await using var fixture = await ApiFixture.StartAsync();
        using var guest = fixture.OpenBrowser();
        await guest.PostAsync("/api/session/guest", new { nickname = "Zoe" }).MustBe(HttpStatusCode.OK);

        Assert.Equal("not_for_guests", await guest.SendTextAsync(HttpMethod.Patch, Path, """{"clock":"24"}""").ProblemAsync(HttpStatusCode.Forbidden));
        Assert.Equal("{}", (await guest.ReadAsync(Path)).GetRawText());
    }

    [Fact]
    public async Task Of_changes_at_once_each_has_its_names()
    {
        await using var broker = await RunningBroker.StartAsync();
        var ana = await broker.RegisterAsync("ana");
        var settings = broker.Get<AccountSettings>();

        await Task.WhenAll(Enumerable.Range(0, 8).Select(one => Task.Run(() => settings.ChangeAsync(ana.Account, Of($"s{one}")))));

        Assert.Equal(Enumerable.Range(0, 8).Select(one => $"s{one}"), settings.Of(ana.Account).Keys.Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task They_go_with_the_account_also_those_that_are_changed_as_it_goes()
    {
        await using var broker = await RunningBroker.StartAsync();
        var ana = await broker.RegisterAsync("ana");
        var records = broker.Get<IRecords>();
        Assert.Equal(SettingsOutcome.Stored, await broker.Get<AccountSettings>().ChangeAsync(ana.Account, Of("kept")));
        Assert.NotEmpty(Stored());
        AccountSettings late = new(new ErasedMeanwhile(records, () => broker.Get<AccountChanges>().EraseAsync(ana.Account, Password, null)), broker.Get<LeftAlone>());

        Assert.Equal(SettingsOutcome.NotKept, await late.ChangeAsync(ana.Account, Of("late")));

        Assert.Empty(Stored());
        Assert.Equal(SettingsOutcome.NotKept, await broker.Get<AccountSettings>().ChangeAsync(ana.Account, Of("later")));
        Assert.Empty(Stored());

        IReadOnlyList<KeyValuePair<byte[], byte[]>> Stored() => records.ReadAll("settings/"u8);
    }

    private static Dictionary<string, JsonElement> Of(string name) => new() { [name] = JsonElement.Parse("true") };

    private static async Task<string> ChangeAsync(Browser who, string body)
    {
        using var answer = await who.SendTextAsync(HttpMethod.Patch, Path, body);
        var text = await answer.Content.ReadAsStringAsync();
        Assert.True(answer.StatusCode == HttpStatusCode.OK, text);
        return text;
    }

    /// <summary>The account goes between the look and the write, with all that is there of it.</summary>
    private sealed class ErasedMeanwhile(IRecords records, Func<Task> erase) : IRecords
    {
        public Task WriteAsync(IReadOnlyList<RecordChange> changes) => records.WriteAsync(changes);

        public async Task<WriteOutcome> WriteAsync(IReadOnlyList<RecordChange> changes, IReadOnlyList<RecordCondition> conditions)
        {
            await erase();
            return await records.WriteAsync(changes, [.. conditions.Select(condition => condition with { Value = records.Find(condition.Key) })]);
        }

        public byte[]? Find(ReadOnlySpan<byte> key) => records.Find(key);

        public IReadOnlyList<KeyValuePair<byte[], byte[]>> ReadPage(ReadOnlySpan<byte> prefix, ReadOnlySpan<byte> after, int limit) => records.ReadPage(prefix, after, limit);

        public IReadOnlyList<KeyValuePair<byte[], byte[]>> ReadAll(ReadOnlySpan<byte> prefix) => records.ReadAll(prefix);
    }
}
