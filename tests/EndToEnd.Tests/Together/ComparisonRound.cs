using System.Globalization;
using WebMessenger.EndToEnd.Tests.Servers;

namespace WebMessenger.EndToEnd.Tests.Together;

/// <summary>
/// One round of the comparison: what is done by whom follows from the seed, with two kills of the server, absences of one browser and
/// a new start of another.
/// Some acts are done at once, each by another client.
/// </summary>
internal sealed class ComparisonRound(ComparedParty party, int seed, int number)
{
    private const int Beats = 12;
    private const int ActsOfBeat = 3;

    /// <summary>Who acts in a beat that has a server, and a bot: the browsers alone else.</summary>
    private const int Bot = -1;

    private static readonly (string Act, int Weight)[] _acts =
        [("say", 22), ("me", 8), ("roll", 6), ("mention", 8), ("reply", 16), ("edit", 14), ("delete", 8), ("react", 20), ("pin", 8)];

    private readonly Lock _noting = new();
    private readonly Random _plan = RandomOf(seed, number, -1);
    private readonly List<string> _done = [];
    private Task? _starting;

    private IReadOnlyList<ComparedBrowser> Open => [.. party.Browsers.Where(one => one.IsOpen)];

    /// <summary>What was done, a line each: a failure says it.</summary>
    public string Done
    {
        get
        {
            lock (_noting)
            {
                return string.Join(Environment.NewLine, _done);
            }
        }
    }

    /// <summary>Ends with everything online and running.</summary>
    public async Task RunAsync()
    {
        var (firstKill, secondKill) = (_plan.Next(1, 4), _plan.Next(6, 9));
        var (firstAbsence, secondAbsence) = (_plan.Next(0, 3), _plan.Next(5, 9));
        var (closes, opens) = (secondKill - _plan.Next(1, 3), secondKill + (_plan.Next(3) == 0 ? 3 : 1));
        for (var beat = 0; beat < Beats; beat++)
        {
            await RunsAgainAsync(waits: beat == firstKill + 3 || beat == secondKill + 3);
            await AbsenceAsync(isAway: (beat >= firstAbsence && beat < firstAbsence + 3) || (beat >= secondAbsence && beat < secondAbsence + 3));
            await PhoneAsync(isClosed: beat >= closes && beat < opens);
            var kills = beat == firstKill || beat == secondKill;
            await Task.WhenAll([.. BeatAsync(beat, hasBot: !kills && party.Bot.IsUp), kills ? KillAsync() : Task.CompletedTask]);
            _starting = beat == firstKill || beat == secondKill + 1 ? party.Server.StartAgainAsync() : _starting;
        }

        await RunsAgainAsync(waits: true);
        await AbsenceAsync(isAway: false);
        await PhoneAsync(isClosed: false);
        await Task.WhenAll(party.Browsers.Select(one => one.HurryAsync()));
    }

    private async Task KillAsync()
    {
        Note("the server is killed");
        await party.Bot.CloseAsync();
        await party.Server.KillAsync();
    }

    private async Task RunsAgainAsync(bool waits)
    {
        if (_starting is null || (!waits && !_starting.IsCompleted))
        {
            return;
        }

        await _starting;
        _starting = null;
        Note("the server runs again");
        await party.Bot.ConnectAsync();
        await Task.WhenAll(Open.Select(one => one.HurryAsync()));
    }

    private async Task AbsenceAsync(bool isAway)
    {
        if (party.Second.IsOffline != isAway)
        {
            Note($"{party.Second.Name} goes {(isAway ? "offline" : "online")}");
            await party.Second.SetOfflineAsync(isAway);
        }
    }

    private async Task PhoneAsync(bool isClosed)
    {
        if (party.Phone.IsOpen == isClosed)
        {
            Note($"{party.Phone.Name} is {(isClosed ? "closed" : "opened")}");
            await (isClosed ? party.Phone.CloseAsync() : party.Phone.OpenAsync());
        }
    }

    // Each client does one thing after the other.
    private IEnumerable<Task> BeatAsync(int beat, bool hasBot)
    {
        var open = Open;
        return Enumerable.Range(beat * ActsOfBeat, ActsOfBeat)
            .Select(step => (Step: step, Random: RandomOf(seed, number, step)))
            .GroupBy(one => hasBot && one.Random.Next(4) == 0 ? Bot : one.Random.Next(open.Count))
            .Select(async mine =>
            {
                foreach (var (step, random) in mine)
                {
                    await (mine.Key == Bot ? BotAsync(random, step) : PersonAsync(open[mine.Key], random, step));
                }
            });
    }

    private async Task PersonAsync(ComparedBrowser browser, Random random, int step)
    {
        var (act, isTalk, text) = Choose(random, step);
        await browser.GoAsync(isTalk);
        var words = act switch { "me" => "/me " + text, "roll" when !isTalk => "/roll 2d6", _ => text };
        var drawn = act is "say" or "me" or "roll" or "mention" || (act == "pin" && isTalk) ? [] : await DrawnAsync(browser, act);
        var (what, seq) = drawn.Length == 0 ? ("say", 0) : (act, drawn[^(1 + random.Next(Math.Min(12, drawn.Length)))]);
        var why = await browser.ActAsync(what, seq, words, random.Next(8));
        var where = isTalk ? "conversation" : "room";
        var whom = browser.Name + (browser.IsOffline ? " (offline)" : "");
        Note($"{whom}, {where}: {what}{(seq == 0 ? "" : $" {seq}")} {words}{(why is null ? "" : $": {why}")}");
    }

    private static async Task<long[]> DrawnAsync(ComparedBrowser browser, string act) =>
    [
        .. (await browser.DrawnAsync())
            .Where(line => (act is not ("edit" or "delete") || line.Own) && (act != "edit" || !line.Dice)).Select(line => line.Seq),
    ];

    private async Task BotAsync(Random random, int step)
    {
        var (act, isTalk, text) = Choose(random, step);
        var standing = (isTalk ? party.Bot.Talk : party.Bot.Room).Standing(isTalk ? party.TalkFrom : party.RoomFrom);
        var mine = standing.Where(one => one.User == party.UserNames[1] && !one.IsDice).ToArray();
        var from = act is "edit" or "delete" ? mine : standing;
        long? of = from.Count == 0 ? null : from[^(1 + random.Next(Math.Min(12, from.Count)))].Seq;
        object command = (act, of) switch
        {
            ("edit", { } seq) => new { type = "edit", of = seq, text },
            ("delete", { } seq) => new { type = "delete", of = seq },
            ("react", { } seq) => new { type = "reaction", of = seq, emoji = random.Next(2) == 0 ? "👍" : "🚀", on = random.Next(3) > 0 },
            ("reply", { } seq) => new { type = "message", text, replyTo = seq },
            ("roll", _) when !isTalk => new { type = "roll", dice = "3d6" },
            ("me", _) => new { type = "message", text, action = true },
            _ => new { type = "message", text },
        };
        var refusal = await party.Bot.PublishAsync(isTalk, command);
        party.BotSaid += refusal is null && (act is "say" or "me" or "roll" or "mention" or "reply" or "pin" || of is null) ? 1 : 0;
        Note($"the bot, {(isTalk ? "conversation" : "room")}: {command}{(refusal is null ? "" : $": {refusal}")}");
    }

    private (string Act, bool IsTalk, string Text) Choose(Random random, int step)
    {
        var at = random.Next(_acts.Sum(one => one.Weight));
        var act = _acts.First(one => (at -= one.Weight) < 0).Act;
        var text = string.Create(CultureInfo.InvariantCulture, $"round {number} step {step}");
        return (act, random.Next(5) < 2, act == "mention" ? $"@{party.UserNames[random.Next(2)]} {text}" : text);
    }

    private static Random RandomOf(int seed, int number, int step) => new(HashOf(HashOf(HashOf(17, seed), number), step));

    private static int HashOf(int before, int value) => unchecked((before * 486187739) + value);

    private void Note(string what)
    {
        lock (_noting)
        {
            _done.Add(string.Create(CultureInfo.InvariantCulture, $"{_done.Count}: {what}"));
        }
    }
}
