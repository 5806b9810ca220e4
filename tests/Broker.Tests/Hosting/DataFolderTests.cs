using WebMessenger.Broker.Hosting;
using WebMessenger.Broker.Tests.Log;

namespace WebMessenger.Broker.Tests.Hosting;

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
}
