using System.Diagnostics;
using System.Globalization;
using System.Net;

namespace WebMessenger.Load.Servers;

/// <summary>
/// A network namespace that this program and all that it starts have for themselves: there nodes are cut from each other by rules that
/// touch nothing of the machine.
/// </summary>
/// <remarks>
/// Each node has a loopback address on which the others reach it, and a group by which what it begins itself is known: both kinds of
/// connections are cut in both directions, and nothing else of the node.
/// </remarks>
internal static class PrivateNetwork
{
    private const string Variable = "WEBMESSENGER_LOAD_NETWORK";
    private const string Ready = "private";
    private const int FirstAddress = 11;
    private const int FirstGroup = 62_011;

    /// <summary>This program was started in one.</summary>
    public static bool IsInside => Environment.GetEnvironmentVariable(Variable) == Ready;

    /// <summary>Whether there can be one: root, and unshare, ip, nft and setpriv.</summary>
    public static bool IsPossible => Environment.IsPrivilegedProcess && OperatingSystem.IsLinux() && Run(
        "unshare", "--net", "sh", "-c", $"command -v setpriv && ip link set lo up && {Tables(1)}") == 0;

    /// <summary>Starts this program again inside, with the same arguments. Returns its exit code.</summary>
    public static async Task<int> RunInsideAsync(CancellationToken cancellation)
    {
        var program = Environment.ProcessPath!;
        var typed = Environment.GetCommandLineArgs();
        var isHost = Path.GetFileNameWithoutExtension(program) == "dotnet";
        ProcessStartInfo start = new("unshare", ["--net", "--", program, .. isHost ? typed : typed[1..]]) { Environment = { [Variable] = Ready } };
        using var process = Process.Start(start)!;

        // It ends what it has started, and then itself.
        await using var stopped = cancellation.UnsafeRegister(_ => Run("kill", "-TERM", process.Id.ToString(CultureInfo.InvariantCulture)), null);
        await process.WaitForExitAsync(CancellationToken.None);
        return process.ExitCode;
    }

    /// <summary>Before any node is started.</summary>
    /// <exception cref="LoadException">It cannot be.</exception>
    public static void Open(int nodes) => Do($"ip link set lo up && {Tables(nodes)}");

    /// <summary>How the node of this number is started inside.</summary>
    public static ChildSetting Of(ChildSetting setting, int node) => setting with
    {
        Before = ["setpriv", string.Create(CultureInfo.InvariantCulture, $"--regid={FirstGroup + node}"), "--keep-groups", .. setting.Before],
        Arguments = [.. setting.Arguments, $"--WebMessenger:Cluster:Address={AddressOf(node)}"],
    };

    /// <summary>Nothing comes through any more between this node and the others.</summary>
    public static void Cut(int node) => Do(string.Create(
        CultureInfo.InvariantCulture,
        $"nft 'add rule inet nodes cut ct mark {node + 1} drop; add rule inet nodes cut ip daddr {AddressOf(node)} drop; add rule inet nodes cut ip saddr {AddressOf(node)} drop'"));

    /// <summary>They reach each other again.</summary>
    public static void Mend() => Do("nft flush chain inet nodes cut");

    private static IPAddress AddressOf(int node) => new([127, 0, 0, (byte)(FirstAddress + node)]);

    // A connection keeps the mark of who began it, so that the answers are known as well.
    private static string Tables(int nodes) => "nft '" + string.Join("; ",
    [
        "add table inet nodes",
        "add chain inet nodes marks { type filter hook output priority -10; }",
        "add chain inet nodes cut { type filter hook output priority 0; }",
        .. Enumerable.Range(0, nodes).Select(node => string.Create(
            CultureInfo.InvariantCulture,
            $"add rule inet nodes marks meta skgid {FirstGroup + node} ip daddr {AddressOf(0)}-{AddressOf(nodes - 1)} ct state new ct mark set {node + 1}")),
    ]) + "'";

    private static void Do(string line)
    {
        if (Run("sh", "-c", line) is not 0 and var code)
        {
            throw new LoadException(string.Create(CultureInfo.InvariantCulture, $"{line} ended with {code}."));
        }
    }

    private static int Run(string program, params string[] arguments)
    {
        try
        {
            using var process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true })!;
            process.StandardOutput.ReadToEnd();
            process.StandardError.ReadToEnd();
            process.WaitForExit();
            return process.ExitCode;
        }
        catch (System.ComponentModel.Win32Exception)
        {
            // There is no such program.
            return -1;
        }
    }
}
