using System.ComponentModel;
using System.Diagnostics;

namespace WebMessenger.Storage.Tests.EventLog;

/// <summary>A small file system in memory, which can be filled up. The test is skipped where mounting is not allowed.</summary>
internal sealed class SmallDisk : IAsyncDisposable
{
    private SmallDisk(string folder) => Folder = folder;

    public string Folder { get; }

    private string Ballast => Path.Combine(Folder, "ballast");

    /// <param name="size">As tmpfs has it, such as `8m`.</param>
    public static async Task<SmallDisk> MountAsync(string size)
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "A small file system can be mounted on Linux only.");
        SmallDisk disk = new(Directory.CreateTempSubdirectory("webmessenger-disk-").FullName);
        if (await RunAsync("mount", "-t", "tmpfs", "-o", "size=" + size, "tmpfs", disk.Folder) is { } error)
        {
            Directory.Delete(disk.Folder);
            Assert.Skip($"A small file system could not be mounted: {error}");
        }

        return disk;
    }

    /// <summary>Leaves no byte free.</summary>
    public void Fill()
    {
        using FileStream file = new(Ballast, FileMode.Create, FileAccess.Write, FileShare.None, bufferSize: 0);
        var block = new byte[4_096];
        try
        {
            while (true)
            {
                file.Write(block);
            }
        }
        catch (IOException)
        {
            // Full: as wanted.
        }
    }

    public void Free() => File.Delete(Ballast);

    public async ValueTask DisposeAsync()
    {
        Assert.Null(await RunAsync("umount", Folder));
        Directory.Delete(Folder, recursive: true);
    }

    // Null when it went well, or what it said.
    private static async Task<string?> RunAsync(string program, params string[] arguments)
    {
        try
        {
            using var process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardError = true })!;
            var error = await process.StandardError.ReadToEndAsync();
            await process.WaitForExitAsync();
            return process.ExitCode == 0 ? null : error.Trim();
        }
        catch (Win32Exception error)
        {
            return error.Message;
        }
    }
}
