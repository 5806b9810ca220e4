namespace WebMessenger.Load.Commands;

/// <summary>What `--help` says: of one command if one is named, else of all.</summary>
internal static class Help
{
    public static void Write(TextWriter to, IReadOnlyList<string> typed)
    {
        string[] words = [.. typed.Where(word => !word.StartsWith('-') && word != "help")];
        if (words.Length > 0 && CommandList.All.FirstOrDefault(command => command.Name == string.Join(' ', words)) is { } named)
        {
            to.WriteLine($"{named.Name}: {named.Summary}");
            to.WriteLine();
            foreach (var option in named.Options)
            {
                to.WriteLine($"  --{option.Name,-12} {option.Meaning}{(option.Default.Length > 0 ? $" ({option.Default})" : "")}");
            }

            return;
        }

        to.WriteLine("Measures WebMessenger's server, alone or beside mosquitto. It starts the servers itself, on free ports and in temporary folders, and ends with 0 only if nothing was lost,");
        to.WriteLine("repeated or out of order. Server and generator share this machine: the generator's own CPU is among the figures.");
        to.WriteLine();
        to.WriteLine("  dotnet run --project tests/Load -c Release -- COMMAND [--option VALUE …]");
        to.WriteLine();
        foreach (var command in CommandList.All)
        {
            to.WriteLine($"  {command.Name,-16} {command.Summary}");
        }

        to.WriteLine();
        to.WriteLine("COMMAND --help shows its options. For instance: compare room --members 1000 --out docs/benchmarks");
    }
}
