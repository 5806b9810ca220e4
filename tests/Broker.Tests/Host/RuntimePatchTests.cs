using WebMessenger.Broker.Host;

namespace WebMessenger.Broker.Tests.Host;

public sealed class RuntimePatchTests
{
    [Theory]
    [InlineData("10.0.0", 1)]
    [InlineData("10.0.11", 1)]
    [InlineData("10.0.12", 0)]
    [InlineData("10.0.13", 0)]
    [InlineData("11.0.0", 0)]
    public void Fault_S32_A_runtime_that_lacks_a_patch_is_said_in_one_line(string running, int lines)
    {
        LogOfEverything log = new();

        RuntimePatch.WarnIfOlder(Version.Parse(running), log);

        Assert.Equal(lines, log.Lines.Count(line =>
            line.Contains(running, StringComparison.Ordinal) && line.Contains("10.0.12", StringComparison.Ordinal)));
    }
}
