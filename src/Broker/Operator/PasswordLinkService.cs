using System.Text.Json;
using System.Text.Json.Serialization;
using WebMessenger.Auth.Passwords;

namespace WebMessenger.Broker.Operator;

/// <param name="Login">User name or e-mail address.</param>
internal sealed record PasswordLinkRequest(string? Login);

/// <param name="User">Whose password it sets, as the account is written, and <paramref name="Name"/> as it is called.</param>
/// <param name="Pages">Where this server's pages are, without a slash at the end.</param>
internal sealed record PasswordLinkAnswer(
    string? Error = null, string? User = null, string? Name = null, string? Secret = null, DateTimeOffset ExpiresAt = default,
    string? Pages = null) : IControlAnswer
{
    // A record would print the secret.
    public override string ToString() => User ?? Error ?? "";
}

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(PasswordLinkRequest))]
[JsonSerializable(typeof(PasswordLinkAnswer))]
internal sealed partial class PasswordLinkJson : JsonSerializerContext;

/// <summary>Makes password links: in the running server, or in a command on the data of one that is stopped.</summary>
/// <param name="pages">Where the pages are, asked for when a link is made.</param>
internal sealed class PasswordLinkService(PasswordLinks links, Func<string> pages) : IControlService
{
    public const string Ask = "password-link 1";

    public string Request => Ask;

    public async Task ServeAsync(string argument, StreamReader reader, StreamWriter writer, CancellationToken stopping)
    {
        PasswordLinkAnswer answer;
        try
        {
            answer = await AnswerAsync(JsonSerializer.Deserialize(argument, PasswordLinkJson.Default.PasswordLinkRequest));
        }
        catch (JsonException)
        {
            answer = new(Error: "The server does not understand this program.");
        }

        await writer.AnswerAsync(answer, PasswordLinkJson.Default.PasswordLinkAnswer);
    }

    /// <summary>When it completes, the link is on disk.</summary>
    public async Task<PasswordLinkAnswer> AnswerAsync(PasswordLinkRequest? request)
    {
        if (request?.Login is not { Length: > 0 } login)
        {
            return new(Error: "It was not said for whom.");
        }

        try
        {
            var outcome = await links.MakeAsync(login);
            return outcome is { IsDone: true, Link: var link }
                ? new(null, link.Account.UserName, link.Account.DisplayName, outcome.Secret, link.ExpiresAt, pages())
                : new(Error: Why(outcome, login));
        }
        catch (IOException error)
        {
            return new(Error: $"It could not be stored: {error.Message}");
        }
    }

    private static string Why(PasswordLinkOutcome outcome, string login) => outcome switch
    {
        { Result: PasswordLinkResult.Guest, Account: { } guest } => $"{guest.UserName} is a guest, and guests have no password.",
        { Result: PasswordLinkResult.Banned, Account: { } banned } =>
            $"{banned.UserName} is banned, and a link would open nothing. Lift the ban first: unban {banned.UserName}",
        _ => $"There is no account with the user name or e-mail address {login}.",
    };
}
