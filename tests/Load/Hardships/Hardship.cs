using WebMessenger.Load.Servers;

namespace WebMessenger.Load.Hardships;

/// <summary>A machine that is smaller, fuller or stranger than one would wish.</summary>
/// <param name="Name">As it is typed.</param>
/// <param name="Missing">What this machine lacks for it, and how it is installed; null: nothing.</param>
/// <param name="Prepare">Before the first start, with the folder that the data will be in.</param>
/// <param name="Setting">For every life of the server.</param>
/// <param name="BefallAsync">While people talk: makes it hard, and easy again.</param>
/// <param name="MemoryLimit">In bytes; what the server may hold at most; 0: nothing is said of it.</param>
/// <param name="Undo">When all is over.</param>
internal sealed record Hardship(
    string Name,
    string Title,
    string? Missing,
    Action<string> Prepare,
    Func<string, ChildSetting> Setting,
    Func<MortalServer, CancellationToken, Task> BefallAsync,
    long MemoryLimit,
    Action<string> Undo);
