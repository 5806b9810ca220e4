using System.Text.Json;
using WebMessenger.EndToEnd.Tests.Browser;
using WebMessenger.EndToEnd.Tests.Servers;

namespace WebMessenger.EndToEnd.Tests.Shell;

/// <summary>The lines of the README: a page in Chromium and the MQTT clients that people have in their shells talk in the lobby.</summary>
public sealed class MosquittoTests(SharedServer shared, Chromium chromium)
{
    public static TheoryData<string> Versions => ["mqttv311", "mqttv5"];

    [Theory]
    [MemberData(nameof(Versions))]
    public async Task Mosquitto_sub_prints_as_JSON_what_the_browser_says(string version)
    {
        using var ana = await Person.RegisterAsync(shared.Server);
        await using var shell = await Mosquitto.SubscribeAsync(shared.Server, ana, "-V", version, "-t", Lobby.Topic);
        using var bea = await Person.RegisterAsync(shared.Server, "bea", $"Béa da Concha {version}");
        await using var browser = await chromium.VisitorAsync(shared.Server);
        var page = await PageOfAsync(browser, bea);
        var text = Lobby.Unique("olá");

        await page.SayAsync(text);

        var line = await shell.LineAsync(line => line.Contains(text, StringComparison.Ordinal));
        var said = JsonDocument.Parse(line).RootElement;
        Assert.True(said.IsMessage(text), line);
        Assert.Equal(1, said.GetProperty("v").GetInt32());
        Assert.Equal("lobby", said.GetProperty("room").GetString());
        Assert.Equal(bea.UserName, said.GetProperty("from").GetProperty("user").GetString());
        Assert.Equal(bea.DisplayName, said.GetProperty("from").GetProperty("name").GetString());
        Assert.Equal("person", said.GetProperty("from").GetProperty("kind").GetString());
        var kept = Assert.Single(await bea.EventsAsync(), @event => @event.GetProperty("seq").GetInt64() == said.GetProperty("seq").GetInt64());
        Assert.True(JsonElement.DeepEquals(kept, said), $"{kept} is in the history, {said} was delivered");
    }

    [Theory]
    [MemberData(nameof(Versions))]
    public async Task Mosquitto_sub_prints_name_and_words_of_the_text_topic(string version)
    {
        using var ana = await Person.RegisterAsync(shared.Server);
        await using var shell = await Mosquitto.SubscribeAsync(shared.Server, ana, "-V", version, "-t", $"{Lobby.Topic}/text");
        using var bea = await Person.RegisterAsync(shared.Server, "bea", $"Béa do Texto {version}");
        await using var browser = await chromium.VisitorAsync(shared.Server);
        var page = await PageOfAsync(browser, bea);

        await page.SayAsync("olá");

        Assert.Equal($"{bea.DisplayName}: olá", await shell.LineAsync(line => line.StartsWith(bea.DisplayName, StringComparison.Ordinal)));
    }

    [Theory]
    [MemberData(nameof(Versions))]
    public async Task What_mosquitto_pub_says_shows_up_in_the_browser(string version)
    {
        using var bea = await Person.RegisterAsync(shared.Server, "bea");
        await using var browser = await chromium.VisitorAsync(shared.Server);
        var page = await PageOfAsync(browser, bea);
        using var ana = await Person.RegisterAsync(shared.Server);
        var token = await ana.NewTokenAsync();

        // At QoS 0, as the README's line says it, and at QoS 1.
        foreach (var qos in new[] { "0", "1" })
        {
            var text = Lobby.Unique($"olá {qos}");
            await Mosquitto.PublishAsync(shared.Server, "-V", version, "-u", ana.UserName, "-P", token, "-t", Lobby.Topic, "-q", qos, "-m", text);
            await page.SeesAsync(text);
        }
    }

    private static async Task<ChatPage> PageOfAsync(Visitor browser, Person person)
    {
        await browser.BeAsync(person);
        return await ChatPage.OpenAsync(browser);
    }
}
