using System.Globalization;

namespace WebMessenger.Broker.Operator;

/// <summary>`import FILE [--as OWNER] [--accounts match|none]`: has the running server make a room of a file.</summary>
internal sealed class ImportCommand(string dataFolder, string file, string? owner, bool matches, TextWriter output, TimeProvider time)
{
    private const int LooksBetweenLines = 5;

    /// <exception cref="CommandException">No room was made.</exception>
    public async Task RunAsync(CancellationToken cancellation)
    {
        if (!File.Exists(file))
        {
            throw new CommandException($"There is no file {file}.");
        }

        await StoppedOrRunning.RunAsync(
            dataFolder,
            static _ => throw new CommandException("No server is running. Start it: it makes the room."),
            link => FollowAsync(link, cancellation),
            time,
            cancellation);
    }

    private async Task FollowAsync(OperatorLink link, CancellationToken cancellation)
    {
        await using FileStream source = File.OpenRead(file);
        using StreamContent content = new(source);
        var path = $"{OperatorApi.Import}?accounts={(matches ? "match" : "none")}{(owner is null ? "" : "&as=" + Uri.EscapeDataString(owner))}";
        await link.FollowAsync(
            path,
            OperatorJson.Default.ImportAnswer,
            async next =>
            {
                var answer = await next();
                for (var looks = 1; answer is { Id: null, Error: null }; looks++)
                {
                    if (looks % LooksBetweenLines == 0)
                    {
                        output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{answer.Events} events are stored"));
                    }

                    answer = await next();
                }

                if (answer.Error is { } error)
                {
                    throw new CommandException(error);
                }

                output.WriteLine(string.Create(
                    CultureInfo.InvariantCulture,
                    $"The room is {answer.Id}: {answer.Events} events, {answer.Pins} pins, {answer.Values} values, {answer.Members} members; {answer.LeftOut} events left out."));
                if (answer.Missing is { } missing)
                {
                    output.WriteLine($"These could not be put on its list: {string.Join(", ", missing)}. Whose the room is can invite them.");
                }
            },
            cancellation,
            content);
    }
}
