using WebMessenger.Broker.Host;
using WebMessenger.Broker.Operator;

namespace WebMessenger.Broker.Tests.Operator;

/// <summary>A command that is typed wrongly is told what is missing or too much, and how that command alone is typed.</summary>
public sealed class SlippedCommandTests
{
    [Theory]
    [InlineData("backup", "No backup was made. FOLDER is missing.", "backup FOLDER")]
    [InlineData("restore --WebMessenger:DataFolder=x", "Nothing was restored. FOLDER is missing.", "restore FOLDER [--keep-logins]")]
    [InlineData("restore --keep-logins", "Nothing was restored. FOLDER is missing.", "restore FOLDER [--keep-logins]")]
    [InlineData("backup x --keep-logins", "No backup was made. backup has no --keep-logins.", "backup FOLDER")]
    [InlineData("ban", "Nobody was banned. USER is missing.", "ban USER [--reason TEXT]")]
    [InlineData("ban ana bea", "Nobody was banned. bea is too much: there is one USER.", "ban USER [--reason TEXT]")]
    [InlineData("ban ana --reason", "Nobody was banned. --reason stands right behind USER, and what it says behind it.", "ban USER [--reason TEXT]")]
    [InlineData("ban ana --WebMessenger:DataFolder=x --reason spam", "Nobody was banned. --reason stands right behind USER, and what it says behind it.", "ban USER [--reason TEXT]")]
    [InlineData("unban ana --reason spam", "No ban was lifted. unban has no --reason.", "unban USER")]
    [InlineData("bans ana", "The bans cannot be listed. ana is too much.", "bans")]
    [InlineData("password-link ana bea", "No link was made. bea is too much: there is one USER.", "password-link USER [--origin URL]")]
    [InlineData("export yard", "The room was not written into a file. FILE is missing.", "export ROOM FILE")]
    [InlineData("export yard a b", "The room was not written into a file. b is too much: there is one FILE.", "export ROOM FILE")]
    [InlineData("import yard.zip --accounts some", "No room was made. --accounts is match or none.", "import FILE [--as USER] [--accounts match|none]")]
    [InlineData("import yard.zip --accounts none --as ana", "No room was made. --as stands right behind FILE, and what it says behind it.", "import FILE [--as USER] [--accounts match|none]")]
    public async Task Fault_B9_What_is_missing_or_too_much_is_one_line_with_the_usage_of_that_command(string typed, string says, string usage)
    {
        StringWriter output = new(), error = new();

        var code = await CommandProgram.RunAsync(typed.Split(' '), output, error);

        Assert.Equal((2, ""), (code, output.ToString()));
        Assert.Equal([says, $"Usage: WebMessenger {usage}", ""], error.ToString().Split(Environment.NewLine));
    }

    [Theory]
    [InlineData(0, "0.0 kB")]
    [InlineData(4_096, "4.1 kB")]
    [InlineData(1_048_576, "1.0 MB")]
    [InlineData(45_300_000, "45.3 MB")]
    public void Fault_B9_What_is_small_is_not_said_to_be_nothing(long bytes, string says) => Assert.Equal(says, BackupManifest.Sized(bytes));
}
