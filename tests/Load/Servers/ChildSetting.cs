namespace WebMessenger.Load.Servers;

/// <summary>How a server's process is started when it is not simply started.</summary>
/// <param name="Before">A program and its arguments that run it, such as `taskset -c 0`.</param>
/// <param name="Environment">Variables for it alone.</param>
/// <param name="Arguments">Settings for it, behind all others.</param>
/// <param name="Log">A file that all it says is added to; null: only the last lines are kept, in memory.</param>
internal sealed record ChildSetting(
    IReadOnlyList<string> Before, IReadOnlyDictionary<string, string> Environment, IReadOnlyList<string> Arguments, string? Log = null)
{
    public static ChildSetting Plain { get; } = new([], new Dictionary<string, string>(), []);

    public ChildSetting With(string name, string value) => this with { Environment = new Dictionary<string, string>(Environment) { [name] = value } };
}
