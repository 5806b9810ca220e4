using System.Diagnostics;
using System.Reflection;
using WebMessenger.EndToEnd.Tests.Servers;

namespace WebMessenger.EndToEnd.Tests.Durability;

/// <summary>The real program with a command that ends by itself: `backup`, `restore`.</summary>
internal static class ProgramRun
{
    private static readonly TimeSpan _patience = TimeSpan.FromSeconds(120);

    public static async Task<Ended> ToEndAsync(params string[] arguments)
    {
        ProcessStartInfo start = new("dotnet") { RedirectStandardOutput = true, RedirectStandardError = true, WorkingDirectory = Path.GetTempPath() };
        start.ArgumentList.Add(typeof(ProgramRun).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>().First(attribute => attribute.Key == "Server").Value!);
        foreach (var argument in arguments)
        {
            start.ArgumentList.Add(argument);
        }

        using var process = Process.Start(start) ?? throw new InvalidOperationException("dotnet did not start.");
        var output = process.StandardOutput.ReadToEndAsync();
        var error = process.StandardError.ReadToEndAsync();
        try
        {
            await process.WaitForExitAsync().WaitAsync(_patience);
        }
        catch (TimeoutException)
        {
            process.Kill();
            Assert.Fail($"`{string.Join(' ', arguments)}` should have ended.");
        }

        return new(process.ExitCode, await output, await error);
    }
}
