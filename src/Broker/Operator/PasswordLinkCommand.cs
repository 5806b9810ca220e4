using WebMessenger.Broker.Settings;

namespace WebMessenger.Broker.Operator;

/// <summary>`password-link USER`: asks the running server, or, when none runs, does it in the data folder itself.</summary>
/// <param name="origin">Scheme, host and port that people use; null: what the server knows itself by.</param>
internal sealed class PasswordLinkCommand(
    BrokerSettings settings, IConfiguration configuration, string login, string? origin, TextWriter output, TimeProvider time)
{
    /// <exception cref="CommandException">There is no link.</exception>
    public async Task RunAsync(CancellationToken cancellation)
    {
        var given = origin is null ? null : Checked(origin);
        PasswordLinkRequest request = new(login);
        PasswordLinkAnswer? answer = null;
        await StoppedOrRunning.RunAsync(
            settings.DataFolder,
            async folder => answer = await RunOnAsync(folder, request),
            async link => answer = await link.PostAsync(
                OperatorApi.PasswordLink, request, OperatorJson.Default.PasswordLinkRequest, OperatorJson.Default.PasswordLinkAnswer,
                CancellationToken.None),
            time,
            cancellation);
        Tell(answer!, given);
    }

    private async Task<PasswordLinkAnswer> RunOnAsync(DataFolder folder, PasswordLinkRequest request)
    {
        await using var stopped = await StoppedAccounts.OpenAsync(folder, time);
        string Pages() => PagesAddress.Of(PagesAddress.Configured(configuration), settings.Tls, settings.BasePath);
        return (await new PasswordLinkService(stopped.Auth.PasswordLinks, Pages).MakeAsync(request)).OrThrow();
    }

    private void Tell(PasswordLinkAnswer answer, string? given)
    {
        output.WriteLine($"A link for {answer.User} ({answer.Name}). It works once, until {BanService.When(answer.ExpiresAt)}:");
        output.WriteLine();
        output.WriteLine($"  {given ?? answer.Pages}/p#{answer.Secret}");
        output.WriteLine();
        output.WriteLine(
            $"Whoever opens it chooses a new password for {answer.User} and is signed in; {answer.User}'s other login sessions end then.");
        output.WriteLine("Send it to nobody else. A new link ends this one.");
        if (given is null)
        {
            output.WriteLine("If people reach the server at another address, have it printed with --origin https://chat.example.org");
        }
    }

    private string Checked(string text) =>
        Uri.TryCreate(text, UriKind.Absolute, out var address)
        && address is { Scheme: "http" or "https", PathAndQuery: "/", Fragment: "", UserInfo: "" }
            ? address.GetLeftPart(UriPartial.Authority) + settings.BasePath.Prefix
            : throw new CommandException($"--origin is '{text}'; it must be scheme, host and port, such as https://chat.example.org");
}
