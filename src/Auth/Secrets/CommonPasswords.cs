using System.Collections.Frozen;

namespace WebMessenger.Auth.Secrets;

/// <summary>
/// The common passwords of 10 characters and more that ship with the program, compared without case and without the usual swaps (pa$$w0rd).
/// </summary>
internal static class CommonPasswords
{
    private static readonly FrozenSet<string> All = Load();

    public static int Count => All.Count;

    public static bool Contains(string password)
    {
        var folded = password.Trim().ToLowerInvariant();
        return All.Contains(folded) || All.Contains(Unswap(folded)) || All.Contains(Unswap(folded.TrimEnd('!', '.', '?', '*', '#', '@', '$')));
    }

    private static string Unswap(string text) => string.Create(text.Length, text, static (to, from) =>
    {
        for (var i = 0; i < from.Length; i++)
        {
            to[i] = from[i] switch { '@' or '4' => 'a', '3' => 'e', '1' or '!' => 'i', '0' => 'o', '$' or '5' => 's', '7' => 't', var c => c };
        }
    });

    private static FrozenSet<string> Load()
    {
        using var stream = typeof(CommonPasswords).Assembly.GetManifestResourceStream("common-passwords.txt")
            ?? throw new InvalidOperationException("The list of common passwords is not in the program.");
        using StreamReader lines = new(stream);
        HashSet<string> all = [];
        while (lines.ReadLine() is { } line)
        {
            all.Add(line);
            // The unswapped form as well, so that an entry with digits in it is found by a password with swaps in it.
            all.Add(Unswap(line));
        }

        return all.ToFrozenSet();
    }
}
