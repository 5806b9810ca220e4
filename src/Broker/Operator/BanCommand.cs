using System.Globalization;
using System.Text.Json;
using WebMessenger.Broker.Settings;

namespace WebMessenger.Broker.Operator;

/// <summary>`ban USER`, `unban USER` and `bans`: asks the running server, or, when none runs, does it in the data folder itself.</summary>
internal sealed class BanCommand(string dataFolder, BanRequest request, TextWriter output, TimeProvider time)
{
    /// <exception cref="CommandException">It was not done.</exception>
    public async Task RunAsync(CancellationToken cancellation)
    {
        BanAnswer? answer = null;
        await StoppedOrRunning.RunAsync(
            dataFolder,
            async folder => answer = await RunOnAsync(folder),
            async link =>
            {
                // Once asked for it is not taken back: how it ends shall be known.
                await link.SayAsync($"{BanService.Ask} {JsonSerializer.Serialize(request, BanJson.Default.BanRequest)}");
                answer = await link.ReadAsync(BanJson.Default.BanAnswer, CancellationToken.None);
            },
            time,
            cancellation);
        Tell(answer!);
    }

    /// <summary>What durable clients have kept in the event log goes at the next start: their login sessions are not there any more.</summary>
    private async Task<BanAnswer> RunOnAsync(DataFolder folder)
    {
        await using var stopped = await StoppedAccounts.OpenAsync(folder, time);
        var answer = await new BanService(stopped.Auth.Bans).AnswerAsync(request);
        return answer.Error is { } error ? throw new CommandException(error) : answer;
    }

    private void Tell(BanAnswer answer)
    {
        switch (request.Wish)
        {
            case BanWish.Ban:
                Say($"{answer.User} is banned. Ended: {Count(answer.Sessions, "login session")}, {Count(answer.Tokens, "access token")}.");
                break;
            case BanWish.Unban:
                Say($"{answer.User} may sign in again.");
                break;
            case BanWish.List when answer.Banned is { Count: > 0 } banned:
                var width = banned.Max(one => one.User.Length);
                foreach (var one in banned)
                {
                    Say($"{one.User.PadRight(width)}  {BanService.When(one.At)}  {one.Reason}".TrimEnd());
                }

                break;
            default:
                Say("Nobody is banned.");
                break;
        }
    }

    private static string Count(int number, string what) => string.Create(CultureInfo.InvariantCulture, $"{number} {what}{(number == 1 ? "" : "s")}");

    private void Say(string line) => output.WriteLine(line);
}
