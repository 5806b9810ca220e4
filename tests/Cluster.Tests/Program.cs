using Xunit.MicrosoftTestingPlatform;
using Xunit.Runner.InProc.SystemConsole;

namespace WebMessenger.Cluster.Tests;

/// <summary>Runs the tests; or this process is a node that a test has started.</summary>
/// <remarks>Not in the module's initializer: other threads of a node enter this assembly, and would wait for the end of that.</remarks>
internal static class Program
{
    public static async Task<int> Main(string[] args)
    {
        Postgres.PgAppendingChild.RunIfChild();
        if (await Nodes.NodeChild.RunIfChildAsync() is { } ended)
        {
            return ended;
        }

        return args.Contains("--server") || args.Contains("--internal-msbuild-node")
            ? await TestPlatformTestFramework.RunAsync(args, SelfRegisteredExtensions.AddSelfRegisteredExtensions)
            : await ConsoleRunner.Run(args);
    }
}
