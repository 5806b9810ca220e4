namespace WebMessenger.Broker.Host;

/// <summary>
/// The runtime has faults of its own, which its keepers mend every month: says when it is older than what this version was tried with.
/// </summary>
internal static partial class RuntimePatch
{
    /// <summary>What this version was built and tried with. Raised with each release; docs/operating.md says how to update.</summary>
    public static readonly Version Tried = new(10, 0, 12);

    public static void WarnIfOlder(Version running, ILogger logger)
    {
        if (running < Tried)
        {
            LogOld(logger, running, Tried);
        }
    }

    [LoggerMessage(2112, LogLevel.Warning,
        "This runs on .NET {Running}, which lacks mended security faults: install .NET {Tried} or a later patch and start again")]
    private static partial void LogOld(ILogger logger, Version running, Version tried);
}
