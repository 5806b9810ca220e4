using System.Net.Http.Json;
using System.Text.Json;
using WebMessenger.EndToEnd.Tests.Servers;

namespace WebMessenger.EndToEnd.Tests.Together;

/// <summary>Two people with two desktop browsers, a phone and a bot: who talks in the comparison, and what each of them shows.</summary>
internal sealed class ComparedParty : IAsyncDisposable
{
    private readonly Person _ana;
    private readonly Person _bea;
    private string _room = "";

    private ComparedParty(ServerProcess server, Person ana, Person bea, IReadOnlyList<ComparedBrowser> browsers, ComparedBot bot) =>
        (Server, _ana, _bea, Browsers, Bot) = (server, ana, bea, browsers, bot);

    public ServerProcess Server { get; }

    /// <summary>The first is always there, the second is offline half of the time, the phone is closed and started anew.</summary>
    public IReadOnlyList<ComparedBrowser> Browsers { get; }

    public ComparedBrowser Second => Browsers[1];

    public ComparedBrowser Phone => Browsers[2];

    public ComparedBot Bot { get; }

    public string[] UserNames => [_ana.UserName, _bea.UserName];

    /// <summary>What the round compares comes after these.</summary>
    public long RoomFrom { get; private set; }

    public long TalkFrom { get; private set; }

    /// <summary>What the bot said that is in a log.</summary>
    public int BotSaid { get; set; }

    /// <summary>What was not the same when everybody was looked at last.</summary>
    public string Last { get; private set; } = "";

    private int Said => BotSaid + Browsers.Sum(one => one.Said);

    /// <summary>How many messages the logs of all rounds have.</summary>
    private int Stored { get; set; }

    public static async Task<ComparedParty> OfAsync(Chromium chromium, ServerProcess server)
    {
        var ana = await Person.RegisterAsync(server);
        var bea = await Person.RegisterAsync(server, "bea");
        ComparedBrowser[] browsers =
        [
            await ComparedBrowser.OfAsync(chromium, server, "the first browser", ana, bea, phone: false),
            await ComparedBrowser.OfAsync(chromium, server, "the second browser", bea, ana, phone: false),
            await ComparedBrowser.OfAsync(chromium, server, "the phone", ana, bea, phone: true),
        ];
        return new ComparedParty(server, ana, bea, browsers, await ComparedBot.OfAsync(server, bea, ana));
    }

    /// <summary>All go into a new room.</summary>
    public async Task EnterAsync(string room)
    {
        _room = await _ana.NewRoomAsync(room, room);
        await _bea.EnterAsync(room);
        RoomFrom = 0;
        await Task.WhenAll(Browsers.Select(one => one.EnterAsync(room)));
        await Bot.OpenAsync(room);
    }

    /// <summary>Waits until all has come where it belongs and everybody shows what the server has; says what is not so.</summary>
    public async Task<string> DifferenceAsync()
    {
        var began = TimeProvider.System.GetTimestamp();
        while (true)
        {
            var (room, talk) = await ServersAsync();
            var difference = Last = await OutboxesAsync(room.Lines(RoomFrom).Count + talk.Lines(TalkFrom).Count);
            difference = difference.Length > 0 ? difference : await DifferenceAsync(isTalk: false, room) + await DifferenceAsync(isTalk: true, talk);
            Last = difference;
            if (difference.Length == 0)
            {
                Stored += room.Lines(RoomFrom).Count + talk.Lines(TalkFrom).Count;
                (RoomFrom, TalkFrom) = (room.Head, talk.Head);
                return "";
            }

            if (TimeProvider.System.GetElapsedTime(began) > RawMqttClient.Patience)
            {
                return difference;
            }
        }
    }

    /// <summary>A page that hangs is found out from now on.</summary>
    public void GoOn()
    {
        foreach (var browser in Browsers)
        {
            browser.GoOn();
        }
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var browser in Browsers)
        {
            await browser.DisposeAsync();
        }

        await Bot.DisposeAsync();
        _ana.Dispose();
        _bea.Dispose();
    }

    private async Task<string> OutboxesAsync(int stored)
    {
        var outboxes = await Task.WhenAll(Browsers.Select(one => one.OutboxAsync()));
        var (waiting, refused) = (outboxes.Sum(one => one.Waiting), outboxes.Sum(one => one.Refused));
        return waiting == 0 && Stored + stored + refused == Said ? "" : $"Said {Said}, stored {Stored + stored}, refused {refused}, waiting {waiting}.";
    }

    private async Task<string> DifferenceAsync(bool isTalk, ToldModel server)
    {
        var after = isTalk ? TalkFrom : RoomFrom;
        Dictionary<string, IReadOnlyList<ShownLine>> shown = new()
        {
            ["the server"] = server.Lines(after),
            ["the bot"] = (isTalk ? Bot.Talk : Bot.Room).Lines(after),
        };
        var pages = await Task.WhenAll(Browsers.Select(async one => (one.Name, Lines: await one.LinesAsync(isTalk, after))));
        foreach (var (name, lines) in pages)
        {
            shown.Add(name, lines);
        }

        return ShownLine.Difference(shown);
    }

    private async Task<(ToldModel Room, ToldModel Talk)> ServersAsync()
    {
        ToldModel room = new(), talk = new();
        room.Read(await _ana.Http.GetFromJsonAsync<JsonElement>($"/api/rooms/{_room}/events?limit=500&view=lines"));
        room.ReadPins(await _ana.Http.GetFromJsonAsync<JsonElement>($"/api/rooms/{_room}/pins?limit=200"));
        talk.Read(await _ana.Http.GetFromJsonAsync<JsonElement>($"/api/conversations/{_bea.UserName}/events?limit=500&view=lines"));
        return (room, talk);
    }
}
