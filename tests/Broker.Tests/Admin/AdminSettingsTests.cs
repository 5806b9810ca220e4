using System.Net;
using System.Text.Json;
using WebMessenger.Auth.Limits;
using WebMessenger.Broker.Admin;
using WebMessenger.Broker.Settings;
using WebMessenger.Broker.Tests.Host;
using WebMessenger.Storage.Documents;
using WebMessenger.Wire.Testing;
using Calls = WebMessenger.Broker.Tests.Rooms.Calls;

namespace WebMessenger.Broker.Tests.Admin;

/// <summary>Settings that are changed while the server runs: at once, after a restart, and none that is not on the list.</summary>
public sealed class AdminSettingsTests
{
    private const string Settings = "/api/admin/settings";

    private static JsonElement Of(JsonElement page, string name) =>
        page.GetProperty("settings").EnumerateArray().Single(one => one.GetProperty("name").GetString() == name);

    private static (string Value, string Default, string From) Told(JsonElement page, string name)
    {
        var one = Of(page, name);
        return (one.GetProperty("value").ToString(), one.GetProperty("default").ToString(), one.GetProperty("from").GetString()!);
    }

    private static Task<JsonElement> ChangeAsync(Desk desk, HttpStatusCode status, params (string Name, object? Value)[] changes) =>
        desk.Page.Expect(status, HttpMethod.Patch, Settings, changes.ToDictionary(one => one.Name, one => one.Value));

    [Fact]
    public async Task A_change_holds_at_once_and_after_a_restart_and_null_gives_the_files_back()
    {
        await using var desk = await Desk.OpenAsync(null, "--WebMessenger:Limits:TextLength", "3000");
        await using var client = await desk.Broker.ConnectAsync(desk.Ana);
        await client.SubscribeAsync("rooms/lobby");
        Assert.True((await client.PublishAsync("rooms/lobby", "ten letters")).Accepted);
        Assert.Equal(("3000", "3000", "file"), Told(await desk.Page.Get(Settings), "Limits:TextLength"));

        var changed = await ChangeAsync(desk, HttpStatusCode.OK, ("Limits:TextLength", 5), ("Guests:Enabled", false), ("Registration:Enabled", false));

        Assert.Equal(("5", "3000", "here"), Told(changed, "Limits:TextLength"));
        Assert.Equal(("False", "True", "here"), Told(changed, "Guests:Enabled"));
        Assert.False((await client.PublishAsync("rooms/lobby", "ten letters")).Accepted);
        await AssertClosedAsync(desk);
        await desk.RestartAsync();
        await AssertClosedAsync(desk);
        Assert.Equal(("5", "3000", "here"), Told(await desk.Page.Get(Settings), "Limits:TextLength"));
        var back = await ChangeAsync(desk, HttpStatusCode.OK, ("Limits:TextLength", null), ("Guests:Enabled", null));
        Assert.Equal(("3000", "3000", "file"), Told(back, "Limits:TextLength"));
        using var guest = await desk.GuestAsync("Zoe");
        Assert.Equal("setting", (await desk.ActsAsync())[0]);
        var entry = (await desk.Page.Get("/api/admin/audit?limit=200")).GetProperty("entries").EnumerateArray()
            .Last(one => one.GetProperty("target").GetString() == "Limits:TextLength");
        Assert.Equal(("admina", "3000 → 5"), (entry.GetProperty("by").GetString(), entry.GetProperty("detail").GetString()));
        var ofSwitch = (await desk.Page.Get("/api/admin/audit?limit=200")).GetProperty("entries").EnumerateArray()
            .Where(one => one.GetProperty("target").GetString() == "Guests:Enabled").Select(one => one.GetProperty("detail").GetString());
        Assert.Equal(["false → true", "true → false"], ofSwitch);
    }

    [Fact]
    public async Task What_another_version_took_is_in_effect_nowhere_and_is_still_there_after_a_change()
    {
        await using var desk = await Desk.OpenAsync();
        await ChangeAsync(desk, HttpStatusCode.OK, ("Limits:TextLength", 2000));
        using var later = JsonDocument.Parse("""{"Limits:TextLength":"long","Limits:PinsPerRoom":-7,"Limits:Later":12,"Later:Words":["a"]}""");
        await desk.Broker.Get<IDocuments>().CommitAsync([DocumentsReading.Put("server", "settings", null, later.RootElement, AdminJson.Default.JsonElement)]);
        await desk.RestartAsync();
        Assert.Equal(("4000", "4000", "file"), Told(await desk.Page.Get(Settings), "Limits:TextLength"));

        await ChangeAsync(desk, HttpStatusCode.OK, ("Limits:PinsPerRoom", 7));

        Assert.Equal(["Later:Words", "Limits:Later", "Limits:PinsPerRoom", "Limits:TextLength"], await StoredAsync());
        await ChangeAsync(desk, HttpStatusCode.OK, ("Limits:TextLength", null));
        await desk.RestartAsync();
        await ChangeAsync(desk, HttpStatusCode.OK, ("Limits:PinsPerRoom", null));
        Assert.Equal(["Later:Words", "Limits:Later"], await StoredAsync());

        async Task<IEnumerable<string>> StoredAsync() => (await desk.Broker.Get<IDocuments>().GetAsync("server", "settings"))!
            .As(AdminJson.Default.DictionaryStringJsonElement).Keys.Order(StringComparer.Ordinal);
    }

    [Fact]
    public async Task Quotas_and_rates_of_who_is_there_follow_at_once()
    {
        await using var desk = await Desk.OpenAsync();
        await using var client = await desk.Broker.ConnectAsync(desk.Ana);
        await client.SubscribeAsync("rooms/lobby");
        Assert.True((await client.PublishAsync("rooms/lobby", "before")).Accepted);
        await desk.ProveAsync();

        await ChangeAsync(desk, HttpStatusCode.OK, ("Limits:StoredBytesPerDayPerAccount", 1), ("Limits:PublishPerSecond", 1), ("Limits:PublishBurst", 1));

        Assert.Equal(0x97, (await client.PublishAsync("rooms/lobby", "over the quota")).ReasonCode);
        var budget = desk.Broker.Get<WebMessenger.Broker.Limits.PublishBudgets>().Of(desk.Ana.Account.Id);
        Assert.False(budget.TryTake(out _) && budget.TryTake(out _));
        await ChangeAsync(desk, HttpStatusCode.OK, ("Limits:StoredBytesPerDayPerAccount", null), ("Limits:PublishPerSecond", null), ("Limits:PublishBurst", null));
        Assert.True((await client.PublishAsync("rooms/lobby", "after")).Accepted);
    }

    [Fact]
    public async Task One_wrong_value_leaves_all_as_it_was_and_only_the_list_can_be_changed()
    {
        await using var desk = await Desk.OpenAsync();
        foreach (var (name, value) in new (string, object?)[]
        {
            ("Limits:FreeDiskPercent", 51), ("Limits:TextLength", -1), ("Limits:TextLength", "5"), ("Limits:TextLength", 1.5), ("Guests:Enabled", 1),
            ("Limits:PublishBurst", 0), ("DataFolder", "/tmp"), ("AllowedOrigins", "https://evil.example"), ("Mqtt:AllowPlainPasswords", true),
            ("TrustedProxies", "0.0.0.0/0"), ("Limits:Sockets", 1), ("limits:textlength", 5),
        })
        {
            var refused = await ChangeAsync(desk, HttpStatusCode.BadRequest, ("Limits:PinsPerRoom", 7), (name, value));
            Assert.Equal("invalid_fields", Desk.Code(refused));
        }

        Assert.Equal(("50", "50", "file"), Told(await desk.Page.Get(Settings), "Limits:PinsPerRoom"));
        Assert.Empty(await desk.ActsAsync());
    }

    [Fact]
    public void The_list_has_the_bounds_that_the_reader_of_the_file_has()
    {
        Assert.Distinct(ChangeableSetting.All.Select(one => one.Name));
        Assert.All(ChangeableSetting.All, one =>
        {
            if (one.IsSwitch)
            {
                Assert.Null(SettingCheck.WhyNot(one.Name, "true"));
                Assert.NotNull(SettingCheck.WhyNot(one.Name, "1"));
                return;
            }

            Assert.Null(SettingCheck.WhyNot(one.Name, $"{one.Minimum}"));
            Assert.Null(SettingCheck.WhyNot(one.Name, $"{one.Maximum}"));
            Assert.NotNull(SettingCheck.WhyNot(one.Name, $"{one.Minimum - 1L}"));
            Assert.NotNull(SettingCheck.WhyNot(one.Name, $"{one.Maximum + 1L}"));
        });
    }

    [Fact]
    public async Task Each_of_the_list_is_what_it_says_it_is()
    {
        await using var broker = await RunningBroker.StartAsync();
        var (settings, auth) = (broker.Get<BrokerSettings>(), broker.Get<AuthOptions>());
        foreach (var one in ChangeableSetting.All)
        {
            var before = ChangeableSetting.All.Select(each => each.Get(settings, auth)).ToArray();
            var value = one.IsSwitch ? 1 - one.Get(settings, auth) : one.Get(settings, auth) == one.Maximum ? one.Minimum : one.Get(settings, auth) + 1;
            one.Set(settings, auth, value);
            Assert.Equal(value, one.Get(settings, auth));
            Assert.Equal(1, ChangeableSetting.All.Select(each => each.Get(settings, auth)).Zip(before).Count(pair => pair.First != pair.Second));
        }
    }

    private static async Task AssertClosedAsync(Desk desk)
    {
        using var page = await Desk.PageOfAsync(desk.Broker, desk.Admin with { Account = desk.Broker.Get<WebMessenger.Auth.Accounts.AccountDirectory>().FindByUserName("ana")! });
        Assert.Equal("switched_off", Desk.Code(await page.Expect(HttpStatusCode.Forbidden, HttpMethod.Post, "/api/session/guest", new { nickname = "Zoe" })));
        Assert.Equal(
            "switched_off",
            Desk.Code(await page.Expect(
                HttpStatusCode.Forbidden, HttpMethod.Post, "/api/accounts",
                new { email = "eve@example.org", userName = "eve", displayName = "Eve", password = Desk.Password })));
    }
}
