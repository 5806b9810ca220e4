using System.Globalization;
using WebMessenger.Broker.Events;
using WebMessenger.Broker.Operator;

namespace WebMessenger.Broker.Host;

/// <summary>The command lines of <see cref="AdminCommand"/>, taken apart: words first, then options, then settings.</summary>
internal static class AdminCommandLine
{
    public const string Usage = """
               WebMessenger overview                   how the running server is: health, sizes, counts, rates
               WebMessenger accounts [WORDS] [--filter administrators|banned|guests]   lists accounts
               WebMessenger account ban USER [--until TIME] [--reason TEXT]
               WebMessenger account unban|erase|admin|unadmin|link USER
               WebMessenger account sessions USER [--tokens]   ends its login sessions, with --tokens access tokens, too
               WebMessenger rooms [WORDS] [--filter public|private|orphaned|archived]   lists rooms
               WebMessenger room owner ROOM USER | room archive|unarchive|delete ROOM
               WebMessenger audit                      what administrators and the operator have done
               WebMessenger settings [NAME VALUE|file]   lists what may be changed while it runs, or changes it
               With --json these print what the server answers.
        """;

    private const string Json = "--json", Tokens = "--tokens", Filter = "--filter", Until = "--until", Reason = "--reason";

    private static readonly Dictionary<string, string> _usages = new(StringComparer.Ordinal)
    {
        ["overview"] = "overview [--json]",
        ["accounts"] = "accounts [WORDS] [--filter administrators|banned|guests] [--json]",
        ["account"] = "account ban|unban|sessions|link|erase|admin|unadmin USER [--until TIME] [--reason TEXT] [--tokens] [--json]",
        ["rooms"] = "rooms [WORDS] [--filter public|private|orphaned|archived] [--json]",
        ["room"] = "room owner ROOM USER | room archive|unarchive|delete ROOM [--json]",
        ["audit"] = "audit [--json]",
        ["settings"] = "settings [NAME VALUE|file] [--json]",
    };

    private static readonly string[] _acts = ["ban", "unban", "sessions", "link", "erase", "admin", "unadmin"];

    public static bool Knows(string command) => _usages.ContainsKey(command);

    public static string UsageOf(string command) => _usages[command];

    /// <summary>Null: it is called wrongly, and <paramref name="wrong"/> says how. Else what does it, in a data folder.</summary>
    /// <param name="settings">What stands behind: settings of the program.</param>
    public static Func<string, TextWriter, CancellationToken, Task>? TryParse(string[] args, out string[] settings, out string wrong)
    {
        List<string> words = [];
        Dictionary<string, string> options = new(StringComparer.Ordinal);
        var rest = args.AsSpan(1);
        while (rest is [var word, ..] && !word.StartsWith('-'))
        {
            words.Add(word);
            rest = rest[1..];
        }

        while (rest is [Json or Tokens, ..])
        {
            options[rest[0]] = "";
            rest = rest[1..];
        }

        while (rest is [Filter or Until or Reason, var value, ..])
        {
            options[rest[0]] = value;
            rest = rest[2..];
            while (rest is [Json or Tokens, ..])
            {
                options[rest[0]] = "";
                rest = rest[1..];
            }
        }

        settings = rest.ToArray();
        wrong = WhyNot(args[0], words, options);
        if (wrong.Length > 0)
        {
            return null;
        }

        DateTimeOffset? until = options.TryGetValue(Until, out var text) ? DateTimeOffset.Parse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal) : null;
        return (folder, output, stop) =>
        {
            AdminCommand command = new(folder, options.ContainsKey(Json), output, TimeProvider.System);
            var filter = options.GetValueOrDefault(Filter);
            var query = words.Count == 0 ? null : string.Join(' ', words);
            return args[0] switch
            {
                "overview" => command.OverviewAsync(stop),
                "accounts" => command.AccountsAsync(query, filter, stop),
                "rooms" => command.RoomsAsync(query, filter, stop),
                "audit" => command.AuditAsync(stop),
                "account" => command.AccountAsync(new AccountAct(words[0], words[1], until, options.GetValueOrDefault(Reason), options.ContainsKey(Tokens)), stop),
                "room" => command.RoomAsync(new RoomOrder(words[0], words[1], words.ElementAtOrDefault(2)), stop),
                _ => command.SettingsAsync(words.ElementAtOrDefault(0), words.ElementAtOrDefault(1), stop),
            };
        };
    }

    // Empty: nothing.
    private static string WhyNot(string command, List<string> words, Dictionary<string, string> options)
    {
        string[] mayHave = command switch
        {
            "accounts" or "rooms" => [Json, Filter],
            "account" => words is ["ban", ..] ? [Json, Until, Reason] : words is ["sessions", ..] ? [Json, Tokens] : [Json],
            _ => [Json],
        };
        return options.Keys.Except(mayHave).FirstOrDefault() is { } lost ? $"{command} has no {lost} there."
            : options.TryGetValue(Until, out var until) && !DateTimeOffset.TryParse(until, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out _)
                ? $"{Until} is {PlainLine.Of(until)}; it must be a time, such as 2026-12-24T18:00:00Z."
            : command switch
            {
                "accounts" or "rooms" => "",
                "account" => words.Count == 2 && _acts.Contains(words[0]) ? "" : "What to do, and USER, are missing, or something is too much.",
                "room" => (words is ["owner", _, _] or ["archive" or "unarchive" or "delete", _]) ? "" : "What to do, ROOM or USER is missing, or something is too much.",
                "settings" => words.Count is 0 or 2 ? "" : "NAME takes VALUE, or file.",
                _ => words.Count == 0 ? "" : $"{PlainLine.Of(words[0])} is too much.",
            };
    }
}
