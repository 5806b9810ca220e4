using System.Diagnostics;
using WebMessenger.Broker.Host;
using WebMessenger.Storage.Tests.EventLog;

namespace WebMessenger.Broker.Tests.Host;

public sealed class UnicodeSupportTests
{
    [Theory]
    [InlineData("1")]
    [InlineData("0")]
    public async Task Fault_B14_Without_Unicode_the_server_does_not_start_and_one_line_says_why(string invariant)
    {
        var cancellation = TestContext.Current.CancellationToken;
        using TempFolder folder = new();
        ProcessStartInfo start = new(Environment.GetEnvironmentVariable("DOTNET_HOST_PATH") ?? "dotnet")
        {
            ArgumentList =
            {
                "exec", typeof(WebMessengerProgram).Assembly.Location, "--Urls=http://127.0.0.1:0", "--WebMessenger:Mqtt:Port=-1",
                "--WebMessenger:DataFolder=" + folder.In("data"),
            },
            RedirectStandardError = true,
            RedirectStandardOutput = true,
        };
        start.Environment["DOTNET_SYSTEM_GLOBALIZATION_INVARIANT"] = invariant;
        using var process = Process.Start(start)!;
        try
        {
            string? line;
            do
            {
                line = await process.StandardOutput.ReadLineAsync(cancellation);
            }
            while (line is not null && !line.StartsWith("WebMessenger is ready", StringComparison.Ordinal));

            // Where nothing is missing the same does start.
            Assert.Equal(invariant == "0", line is not null);
            if (line is not null)
            {
                return;
            }

            var error = await process.StandardError.ReadToEndAsync(cancellation);
            await process.WaitForExitAsync(cancellation);
            Assert.Equal(1, process.ExitCode);
            Assert.Single(error.Split('\n', StringSplitOptions.RemoveEmptyEntries));
            Assert.Contains("DOTNET_SYSTEM_GLOBALIZATION_INVARIANT=false", error, StringComparison.Ordinal);
            Assert.False(Directory.Exists(folder.In("data")));
        }
        finally
        {
            if (!process.HasExited)
            {
                process.Kill();
                await process.WaitForExitAsync(CancellationToken.None);
            }
        }
    }
}
