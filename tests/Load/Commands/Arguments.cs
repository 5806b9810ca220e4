using System.Globalization;

namespace WebMessenger.Load.Commands;

/// <summary>An option that a command takes, as `--name VALUE`.</summary>
/// <param name="Default">What it is when it is not given; empty: nothing.</param>
internal sealed record Option(string Name, string Default, string Meaning);

/// <summary>What was typed behind a command, checked against the options that it takes.</summary>
internal sealed class Arguments
{
    private readonly Dictionary<string, List<string>> _given = [];
    private readonly Dictionary<string, Option> _options;

    /// <exception cref="UsageException">An option that there is not, or one without its value.</exception>
    public Arguments(IEnumerable<Option> options, IReadOnlyList<string> typed)
    {
        _options = options.ToDictionary(option => option.Name);
        for (var i = 0; i < typed.Count; i++)
        {
            var parts = typed[i].Split('=', 2);
            var name = parts[0].StartsWith("--", StringComparison.Ordinal) ? parts[0][2..] : "";
            if (!_options.ContainsKey(name))
            {
                throw new UsageException($"There is no option {typed[i]} here.");
            }

            var value = parts.Length == 2 ? parts[1] : ++i < typed.Count ? typed[i] : throw new UsageException($"--{name} needs a value.");
            if (!_given.TryGetValue(name, out var values))
            {
                _given[name] = values = [];
            }

            values.Add(value);
        }
    }

    /// <summary>The last one given, or the default.</summary>
    public string Text(string name) => _given.TryGetValue(name, out var values) ? values[^1] : _options[name].Default;

    public string? TextOrNull(string name) => Text(name) is { Length: > 0 } text ? text : null;

    /// <summary>The command takes it, and it has a value.</summary>
    public bool Has(string name) => _options.ContainsKey(name) && Text(name).Length > 0;

    /// <summary>Of an option that may be given many times.</summary>
    public IReadOnlyList<string> All(string name) => _given.TryGetValue(name, out var values) ? values : [];

    public int Number(string name, int minimum, int maximum) =>
        int.TryParse(Text(name), NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number >= minimum && number <= maximum
            ? number
            : throw new UsageException(string.Create(CultureInfo.InvariantCulture, $"--{name} must be a whole number from {minimum} to {maximum}."));

    public TimeSpan Seconds(string name) => TimeSpan.FromSeconds(Number(name, 0, 86_400));
}

/// <summary>What was typed is no command; the message says why.</summary>
internal sealed class UsageException(string message) : Exception(message);
