using WebMessenger.Broker.Host;
using WebMessenger.Broker.Tests.Host;

namespace WebMessenger.Broker.Tests.Operator;

/// <summary>The operator's commands, as they are typed for one data folder.</summary>
internal static class TypedCommand
{
    public static Task<string> DoneAsync(RunningBroker broker, params string[] typed) => DoneAsync(broker.Program.DataFolder, typed);

    /// <summary>What the command said, which was done.</summary>
    public static async Task<string> DoneAsync(string data, params string[] typed)
    {
        var (code, output, error) = await RunAsync(data, typed);
        Assert.Equal((0, ""), (code, error));
        return output;
    }

    /// <summary>The one line that says why it was not done.</summary>
    public static async Task<string> RefusedAsync(string data, params string[] typed)
    {
        var (code, output, error) = await RunAsync(data, typed);
        Assert.Equal((1, ""), (code, output));
        Assert.DoesNotContain('\n', error);
        return error;
    }

    public static async Task<(int Code, string Output, string Error)> RunAsync(string data, string[] typed)
    {
        StringWriter output = new(), error = new();
        var code = await CommandProgram.RunAsync([.. typed, $"--WebMessenger:DataFolder={data}"], output, error);
        return (code, output.ToString().ReplaceLineEndings("\n").Trim(), error.ToString().Trim());
    }
}
