using WebMessenger.Broker.Settings;
using WebMessenger.Storage.Tests.EventLog;

namespace WebMessenger.Broker.Tests.Settings;

public sealed class DataFolderTests : IDisposable
{
    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Attack_73_A_folder_is_opened_once_at_a_time_and_is_free_again_after()
    {
        var path = _folder.In("data");
        using (DataFolder.Open(path))
        {
            var refused = Assert.Throws<StartupException>(() => DataFolder.Open(path));

            Assert.Contains(path, refused.Message, StringComparison.Ordinal);
            Assert.Contains("in use by another WebMessenger", refused.Message, StringComparison.Ordinal);
            Assert.Throws<StartupException>(() => DataFolder.OpenForRestore(path));
        }

        using var again = DataFolder.Open(path);
        Assert.Equal(path, again.FullPath);
    }

    [Fact]
    public void A_node_does_not_start_on_data_of_a_program_alone()
    {
        var path = _folder.In("data");
        using (DataFolder.OpenForNode(path))
        {
            // A node's own.
        }

        File.WriteAllText(Path.Combine(path, "accounts.db"), "of somebody");
        var refused = Assert.Throws<StartupException>(() => DataFolder.OpenForNode(path));
        Assert.Contains("cluster move", refused.Message, StringComparison.Ordinal);
        File.Delete(Path.Combine(path, "accounts.db"));
        Directory.CreateDirectory(Path.Combine(path, "rooms"));
        Assert.Throws<StartupException>(() => DataFolder.OpenForNode(path));
    }

    [Fact]
    public void A_nodes_folder_is_none_of_a_program_alone()
    {
        var path = _folder.In("data");
        using (DataFolder.Open(path))
        {
            Assert.False(DataFolder.IsOfNode(path));
        }

        using (DataFolder.OpenForNode(path))
        {
            Assert.True(DataFolder.IsOfNode(path));
            Assert.Contains("Each node has one of its own", Assert.Throws<StartupException>(() => DataFolder.OpenForNode(path)).Message, StringComparison.Ordinal);
        }

        Assert.Contains("WebMessenger:Cluster:Postgres", Assert.Throws<StartupException>(() => DataFolder.Open(path)).Message, StringComparison.Ordinal);
        using var again = DataFolder.OpenForNode(path);
    }

    [Theory]
    [InlineData("accounts.db")]
    [InlineData("accounts.db.log")]
    [InlineData("lock")]
    [InlineData("rooms")]
    [InlineData("rooms/000012.sst")]
    [InlineData("clock")]
    public void Fault_S29_A_planted_link_is_refused_and_what_it_leads_to_is_left_alone(string planted)
    {
        var path = _folder.In("data");
        using (DataFolder.Open(path))
        {
        }

        var elsewhere = _folder.In("elsewhere");
        File.WriteAllText(elsewhere, "of somebody");
        Directory.CreateDirectory(Path.GetDirectoryName(Path.Combine(path, planted))!);
        File.Delete(Path.Combine(path, planted));
        File.CreateSymbolicLink(Path.Combine(path, planted), elsewhere);

        var refused = Assert.Throws<StartupException>(() => DataFolder.Open(path));

        Assert.Contains(Path.Combine(path, planted), refused.Message, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', refused.Message);
        Assert.Equal("of somebody", File.ReadAllText(elsewhere));
        File.Delete(Path.Combine(path, planted));
        using var again = DataFolder.Open(path);
    }

    [Fact]
    [System.Runtime.Versioning.UnsupportedOSPlatform("windows")]
    public void Fault_S29_Attack_74_What_others_could_read_or_write_is_closed_at_the_start()
    {
        const UnixFileMode everybody = (UnixFileMode)0b111_111_111;
        var path = _folder.In("data");
        Directory.CreateDirectory(Path.Combine(path, "rooms"));
        var (accounts, @event) = (Path.Combine(path, "accounts.db"), Path.Combine(path, "rooms", "000012.sst"));
        File.WriteAllText(accounts, "");
        File.WriteAllText(@event, "");
        foreach (var entry in new[] { path, Path.Combine(path, "rooms"), accounts, @event })
        {
            File.SetUnixFileMode(entry, everybody);
        }

        using var folder = DataFolder.Open(path);

        const UnixFileMode owners = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        Assert.Equal(
            [DataFolder.OwnerOnly, DataFolder.OwnerOnly], new[] { path, Path.Combine(path, "rooms") }.Select(File.GetUnixFileMode));
        Assert.Equal([owners, owners, owners], new[] { accounts, @event, Path.Combine(path, "lock") }.Select(File.GetUnixFileMode));
    }

    [Fact]
    public void Fault_S29_A_file_of_somebody_else_is_refused()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux() && Environment.IsPrivilegedProcess, "Only root can give a file away.");
        var path = _folder.In("data");
        Directory.CreateDirectory(path);
        var planted = Path.Combine(path, "accounts.db");
        File.WriteAllText(planted, "");
        using (var chown = System.Diagnostics.Process.Start("chown", ["65534", planted]))
        {
            chown.WaitForExit();
        }

        Assert.Contains(planted, Assert.Throws<StartupException>(() => DataFolder.Open(path)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_data_folder_that_is_a_link_to_another_disk_is_taken()
    {
        var disk = _folder.In("disk");
        Directory.CreateDirectory(disk);
        Directory.CreateSymbolicLink(_folder.In("data"), disk);

        using var folder = DataFolder.Open(_folder.In("data"));

        Assert.True(File.Exists(Path.Combine(disk, "lock")));
    }
}
