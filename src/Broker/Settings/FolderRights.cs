using System.Runtime.InteropServices;
using System.Text;

namespace WebMessenger.Broker.Settings;

/// <summary>
/// Makes sure of what lies in the data folder before anything is opened there: nothing leads elsewhere or belongs to somebody else, and
/// nobody else can read it.
/// </summary>
/// <remarks>Called when the folder has its mode already, so that nobody can put anything there meanwhile. On Windows the folder's own
/// rights hold.</remarks>
internal static partial class FolderRights
{
    private const UnixFileMode OwnersFile = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    private const int RelativeToCurrentFolder = -100, DoNotFollow = 0x100, AllBasics = 0x7FF;
    private const int TypeMask = 0xF000, Folder = 0x4000, File = 0x8000, Link = 0xA000;

    /// <exception cref="StartupException">There is a link, or a file of somebody else.</exception>
    public static void Tighten(string folder)
    {
        if (!OperatingSystem.IsWindows())
        {
            Tighten(folder, OwnerOf(folder));
        }
    }

    /// <summary>The same for one file that is about to be opened; it need not be there.</summary>
    /// <exception cref="StartupException">It is a link.</exception>
    public static void RefuseLink(string path)
    {
        if (new FileInfo(path).LinkTarget is not null)
        {
            throw LeadsElsewhere(path);
        }
    }

    [System.Runtime.Versioning.UnsupportedOSPlatform("windows")]
    private static void Tighten(string folder, uint? folderOwner)
    {
        foreach (var path in Directory.EnumerateFileSystemEntries(folder))
        {
            if (Look(path) is not { } entry)
            {
                // Where the system cannot tell more.
                RefuseLink(path);
                continue;
            }

            var type = entry.Mode & TypeMask;
            if (/* guard: no links in the data folder */ type == Link)
            {
                throw LeadsElsewhere(path);
            }

            if (/* guard: no files of others in the data folder */ entry.Owner != 0 && entry.Owner != folderOwner && entry.Owner != UserId())
            {
                throw new StartupException(
                    $"{path} in the data folder belongs to somebody else (user {entry.Owner}). "
                    + "Look what it is, then remove it or give it to the user that runs the server.");
            }

            // What is root's, such as lost+found of a disk, an ordinary user cannot change or look into.
            if (entry.Owner == UserId() && type is Folder or File)
            {
                var mode = type == Folder ? DataFolder.OwnerOnly : OwnersFile;
                if (/* guard: modes in the data folder */ (entry.Mode & 0xFFF) != (int)mode)
                {
                    System.IO.File.SetUnixFileMode(path, mode);
                }

                if (type == Folder)
                {
                    Tighten(path, folderOwner);
                }
            }
        }
    }

    private static StartupException LeadsElsewhere(string path) => new(
        $"{path} in the data folder is a link. Nothing there may lead elsewhere: "
        + "move what it leads to in its place, or set WebMessenger:DataFolder to the folder itself.");

    private static uint? OwnerOf(string folder) =>
        Look(new DirectoryInfo(folder).ResolveLinkTarget(returnFinalTarget: true)?.FullName ?? folder)?.Owner;

    private static Entry? Look(string path)
    {
        if (!OperatingSystem.IsLinux())
        {
            return null;
        }

        // statx, because its answer has the same layout on every processor (linux/stat.h); .NET 10 tells no owner.
        Span<byte> answer = stackalloc byte[256];
        try
        {
            return Stat(RelativeToCurrentFolder, Encoding.UTF8.GetBytes(path + '\0'), DoNotFollow, AllBasics, answer) < 0
                ? null
                : new Entry(MemoryMarshal.Read<uint>(answer[20..]), MemoryMarshal.Read<ushort>(answer[28..]));
        }
        catch (EntryPointNotFoundException)
        {
            return null;
        }
    }

    [LibraryImport("libc", EntryPoint = "statx")]
    private static partial int Stat(int folder, byte[] path, int flags, uint mask, Span<byte> answer);

    /// <summary>Of the user as whom this program acts.</summary>
    [LibraryImport("libc", EntryPoint = "geteuid")]
    internal static partial uint UserId();

    private readonly record struct Entry(uint Owner, int Mode);
}
