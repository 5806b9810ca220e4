using System.Globalization;

namespace WebMessenger.Broker.Operator;

/// <summary>`ban USER`, `unban USER` and `bans`: asks the running server, or, when none runs, does it in the data folder itself.</summary>
internal sealed class BanCommand(string dataFolder, TextWriter output, TimeProvider time)
{
    /// <exception cref="CommandException">It was not done.</exception>
    public async Task BanAsync(string user, string? reason, CancellationToken cancellation)
    {
        BanRequest request = new(user, reason);
        var answer = await AskAsync(
            async bans => (await bans.BanAsync(request)).OrThrow(),
            link => link.PostAsync(
                OperatorApi.Ban, request, OperatorJson.Default.BanRequest, OperatorJson.Default.BanAnswer, CancellationToken.None),
            cancellation);
        Say($"{answer.User} is banned. Ended: {Count(answer.Sessions, "login session")}, {Count(answer.Tokens, "access token")}.");
    }

    /// <exception cref="CommandException">It was not done.</exception>
    public async Task UnbanAsync(string user, CancellationToken cancellation)
    {
        UnbanRequest request = new(user);
        var answer = await AskAsync(
            async bans => (await bans.UnbanAsync(request)).OrThrow(),
            link => link.PostAsync(
                OperatorApi.Unban, request, OperatorJson.Default.UnbanRequest, OperatorJson.Default.UnbanAnswer, CancellationToken.None),
            cancellation);
        Say($"{answer.User} may sign in again.");
    }

    /// <exception cref="CommandException">The list cannot be had.</exception>
    public async Task ListAsync(CancellationToken cancellation)
    {
        var answer = await AskAsync(
            bans => Task.FromResult(bans.List()),
            link => link.GetAsync(OperatorApi.Bans, OperatorJson.Default.BansAnswer, CancellationToken.None),
            cancellation);
        if (answer.Banned.Count == 0)
        {
            Say("Nobody is banned.");
            return;
        }

        var width = answer.Banned.Max(one => one.User.Length);
        foreach (var one in answer.Banned)
        {
            Say($"{one.User.PadRight(width)}  {BanService.When(one.At)}  {one.Reason}".TrimEnd());
        }
    }

    // Once asked for it is not taken back: how it ends shall be known.
    // What durable clients of a banned account have kept in the event log goes at the next start:
    // their login sessions are not there any more.
    private async Task<T> AskAsync<T>(
        Func<BanService, Task<T>> stopped, Func<OperatorLink, Task<T>> running, CancellationToken cancellation)
        where T : class
    {
        T? answer = null;
        await StoppedOrRunning.RunAsync(
            dataFolder,
            async folder =>
            {
                await using var accounts = await StoppedAccounts.OpenAsync(folder, time);
                answer = await stopped(new BanService(accounts.Auth.Bans));
            },
            async link => answer = await running(link),
            time,
            cancellation);
        return answer!;
    }

    private static string Count(int number, string what) => string.Create(CultureInfo.InvariantCulture, $"{number} {what}{(number == 1 ? "" : "s")}");

    private void Say(string line) => output.WriteLine(line);
}
