using System.Buffers;
using System.Text;
using WebMessenger.Auth.Secrets;
using WebMessenger.Broker.Hooks;
using WebMessenger.Broker.Webhooks;

namespace WebMessenger.Broker.Host;

/// <summary>Takes secrets out of what is logged, by how they begin.</summary>
/// <remarks>
/// The framework says the addresses of requests, and whoever calls a hook may miswrite its address: the secret then stands behind a path
/// that the server does not know. So it is known by itself, wherever it stands.
/// </remarks>
internal static class LoggedSecrets
{
    private const string Hooks = "/api/hooks/";
    private const char Cut = '…';

    // In a query `_` may be written as %5F.
    private static readonly SearchValues<string> _beginnings = SearchValues.Create(
        [
            Hooks,
            .. new[] { Hook.SecretPrefix, Secret.TokenPrefix, Webhook.SecretPrefix }.SelectMany(prefix => new[] { prefix, prefix.Replace("_", "%5F", StringComparison.Ordinal) }),
        ],
        StringComparison.OrdinalIgnoreCase);

    // Of a secret, or of a path that it is in, also one that was encoded once more.
    private static readonly SearchValues<char> _inSecrets = SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_+/=%.~");

    // Behind /api/hooks/ all is taken for the secret, whatever it looks like.
    private static readonly SearchValues<char> _behindPaths = SearchValues.Create(" \t\r\n\"'?");

    /// <summary>In time that grows with the length of the text.</summary>
    public static string Without(string text)
    {
        var rest = text.AsSpan();
        var at = rest.IndexOfAny(_beginnings);
        if (/* guard: no secret in the log */ at < 0)
        {
            return text;
        }

        StringBuilder plain = new(text.Length);
        for (; at >= 0; at = rest.IndexOfAny(_beginnings))
        {
            var isPath = rest[at] == '/';
            var shown = at + (isPath ? Hooks.Length : rest[at..].IndexOfAny('_', '%') + 1);
            plain.Append(rest[..shown]);
            rest = rest[shown..];
            var length = isPath ? rest.IndexOfAny(_behindPaths) : rest.IndexOfAnyExcept(_inSecrets);
            if (length != 0)
            {
                plain.Append(Cut);
            }

            rest = length < 0 ? [] : rest[length..];
        }

        return plain.Append(rest).ToString();
    }
}
