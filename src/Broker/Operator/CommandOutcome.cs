using System.Diagnostics.CodeAnalysis;

namespace WebMessenger.Broker.Operator;

/// <summary>What a command came to: what was asked for, or one line for the operator that says why it was not done.</summary>
internal readonly record struct CommandOutcome<T>(T? Done, string? Refused = null)
    where T : class
{
    public static CommandOutcome<T> Not(string why) => new(null, why);

    public bool TryGet([NotNullWhen(true)] out T? done, [NotNullWhen(false)] out string? refused)
    {
        (done, refused) = (Done, Done is null ? Refused ?? "" : null);
        return done is not null;
    }

    /// <exception cref="CommandException">It was not done.</exception>
    public T OrThrow() => TryGet(out var done, out var refused) ? done : throw new CommandException(refused);
}
