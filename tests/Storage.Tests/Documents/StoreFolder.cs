using WebMessenger.Storage.Documents;

namespace WebMessenger.Storage.Tests.Documents;

/// <summary>A temporary folder with a store's files in it.</summary>
internal sealed class StoreFolder : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("webmessenger-store-");

    public string DataFile => Path.Combine(_folder.FullName, "data", "accounts.db");

    public string LogFile => DataFile + ".log";

    public DocumentStore Open() => DocumentStore.Open(DataFile);

    public void Dispose() => _folder.Delete(recursive: true);
}
