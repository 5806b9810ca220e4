using System.Reflection;
using System.Runtime.InteropServices;
using WebMessenger.Broker.Events;
using WebMessenger.Broker.Operator;
using WebMessenger.Broker.Settings;

namespace WebMessenger.Broker.Host;

/// <summary>What the program does instead of serving when its first argument is a command.</summary>
internal static class CommandProgram
{
    private static readonly string Usage = $"""
        Usage: WebMessenger                            serves, until Ctrl+C
               WebMessenger backup FOLDER              copies all data into a new folder; the server may be running
               WebMessenger restore FOLDER [--keep-logins]   puts such a copy into an empty data folder; the server must not be running
               WebMessenger ban USER [--reason TEXT]   shuts an account out, at once; the server may be running
               WebMessenger unban USER                 lets it sign in again
               WebMessenger bans                       lists who is banned, since when and why
               WebMessenger password-link USER [--origin URL]   prints a link by which USER sets a new password
               WebMessenger search rebuild             makes the search index anew; the server may be running
               WebMessenger purge                      takes what was deleted off the disk; the server may be running
               WebMessenger export ROOM FILE           writes all of a room into a file; the server may be running
               WebMessenger import FILE [--as USER] [--accounts match|none]   makes a room of such a file; the server must be running
               WebMessenger cluster check              what is well with the database and the nodes of a cluster, and what is not
               WebMessenger cluster move               brings the data folder into an empty database; the server must not be running
               WebMessenger cluster restored [--keep-logins]   after files of the database were put back; no node may be running
        {AdminCommandLine.Usage}
               WebMessenger help | --version           this, or which version it is
        Settings may follow, such as --WebMessenger:DataFolder=/var/lib/webmessenger
        docs/operating.md lists them.
        """;

    /// <summary>It stands alone; other options have a value.</summary>
    private const string KeepLogins = "--keep-logins";

    private static readonly Dictionary<string, string> _usages = new(StringComparer.Ordinal)
    {
        ["backup"] = "backup FOLDER",
        ["restore"] = "restore FOLDER [--keep-logins]",
        ["ban"] = "ban USER [--reason TEXT]",
        ["unban"] = "unban USER",
        ["bans"] = "bans",
        ["password-link"] = "password-link USER [--origin URL]",
        ["search"] = "search rebuild",
        ["purge"] = "purge",
        ["export"] = "export ROOM FILE",
        ["import"] = "import FILE [--as USER] [--accounts match|none]",
        ["cluster"] = "cluster check|move|restored [--keep-logins]",
    };

    private static readonly Dictionary<string, string> _options = new(StringComparer.Ordinal)
    {
        ["ban"] = "--reason",
        ["restore"] = KeepLogins,
        ["cluster"] = KeepLogins,
        ["password-link"] = "--origin",
        ["import"] = "--as",
    };

    // Of one command, which has two.
    private const string AccountsOption = "--accounts";

    private static readonly Dictionary<string, string> _failures = new(StringComparer.Ordinal)
    {
        ["backup"] = "No backup was made",
        ["restore"] = "Nothing was restored",
        ["ban"] = "Nobody was banned",
        ["unban"] = "No ban was lifted",
        ["bans"] = "The bans cannot be listed",
        ["password-link"] = "No link was made",
        ["search"] = "The search index was not seen to its end",
        ["purge"] = "What was deleted may still be on the disk",
        ["export"] = "The room was not written into a file",
        ["import"] = "No room was made",
        ["cluster"] = "Nothing was done",
        ["cluster check"] = "The cluster is not as it should be",
        ["cluster move"] = "The data folder was not moved to the end",
    };

    /// <summary>
    /// False: what is there are settings, if anything, and the program serves. A slip of a command must not start a server.
    /// </summary>
    public static bool IsMeant(string[] args) => args.Any(IsHelp) || args.Any(IsVersion) || (args is [var first, ..] && !IsSetting(first));

    /// <summary>Exit code: 0 done, 1 not done (one line on <paramref name="error"/> says why), 2 called wrongly.</summary>
    public static async Task<int> RunAsync(string[] args, TextWriter output, TextWriter error)
    {
        if (args.Any(IsHelp))
        {
            await output.WriteLineAsync(Usage);
            return 0;
        }

        if (args.Any(IsVersion))
        {
            await output.WriteLineAsync($"WebMessenger {Version} on {RuntimeInformation.FrameworkDescription}");
            return 0;
        }

        if (AdminCommandLine.Knows(args[0]))
        {
            if (AdminCommandLine.TryParse(args, out var settings, out var slip) is not { } act)
            {
                await error.WriteLineAsync($"Nothing was done. {slip}");
                await error.WriteLineAsync($"Usage: WebMessenger {AdminCommandLine.UsageOf(args[0])}");
                return 2;
            }

            return await RunAsync(stop => act(Prepared(settings, null).Settings.DataFolder, output, stop), "Nothing was done", error);
        }

        if (!_usages.TryGetValue(args[0], out var usage))
        {
            await error.WriteLineAsync($"There is no command {PlainLine.Of(args[0])}.");
            await error.WriteLineAsync(Usage);
            return 2;
        }

        if (Typed.TryParse(args, out var wrong) is not { } typed)
        {
            await error.WriteLineAsync($"{_failures[args[0]]}. {wrong}");
            await error.WriteLineAsync($"Usage: WebMessenger {usage}");
            return 2;
        }

        var failed = _failures.GetValueOrDefault($"{typed.Command} {typed.Object}") ?? _failures[typed.Command];
        return await RunAsync(stop => RunAsync(typed, output, stop), failed, error);
    }

    private static async Task<int> RunAsync(Func<CancellationToken, Task> command, string failed, TextWriter error)
    {
        using CancellationTokenSource stop = new();
        void Stop(PosixSignalContext context)
        {
            context.Cancel = true;
            stop.Cancel();
        }

        using var interrupted = PosixSignalRegistration.Create(PosixSignal.SIGINT, Stop);
        using var terminated = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Stop);
        try
        {
            await command(stop.Token);
            return 0;
        }
        catch (Exception failure) when (failure is CommandException or StartupException or IOException)
        {
            return await FailAsync(failure.Message.ReplaceLineEndings(" "));
        }
        catch (OperationCanceledException)
        {
            return await FailAsync("Stopped; nothing is left of it.");
        }

        async Task<int> FailAsync(string why)
        {
            await error.WriteLineAsync($"{failed}. {why}");
            return 1;
        }
    }

    private static Task RunAsync(Typed typed, TextWriter output, CancellationToken cancellation)
    {
        var (settings, configuration) = Prepared(typed.Settings, _options.GetValueOrDefault(typed.Command));
        var dataFolder = settings.DataFolder;
        var time = TimeProvider.System;
        return typed.Command switch
        {
            "restore" or "backup" or "purge" when settings.Cluster is not null => throw new CommandException(NodeHouse.NoFiles),
            "backup" => new BackupCommand(dataFolder, FullPath(typed.Object), output, time).RunAsync(cancellation),
            "restore" =>
                new RestoreCommand(FullPath(typed.Object), dataFolder, keepsLogins: typed.Option is not null, output, time).RunAsync(cancellation),
            "ban" => new BanCommand(dataFolder, output, time).BanAsync(typed.Object, typed.Option, cancellation),
            "unban" => new BanCommand(dataFolder, output, time).UnbanAsync(typed.Object, cancellation),
            "password-link" =>
                new PasswordLinkCommand(settings, configuration, typed.Object, typed.Option, output, time).RunAsync(cancellation),
            "search" => new SearchCommand(dataFolder, output, time).RebuildAsync(typed.Object, cancellation),
            "purge" => new PurgeCommand(dataFolder, output, time).RunAsync(cancellation),
            "export" => new ExportCommand(dataFolder, settings.Limits, typed.Object, FullPath(typed.Second), output, time).RunAsync(cancellation),
            "import" => new ImportCommand(dataFolder, FullPath(typed.Object), typed.Option, typed.Second == "match", output, time).RunAsync(cancellation),
            "cluster" => new ClusterCommand(settings, output, time).RunAsync(typed.Object, keepsLogins: typed.Option is not null, cancellation),
            _ => new BanCommand(dataFolder, output, time).ListAsync(cancellation),
        };
    }

    private static (BrokerSettings Settings, IConfiguration Configuration) Prepared(string[] typed, string? option)
    {
        SettingsReader.RefuseUnknownTyped(typed, option);
        var configuration = WebMessengerProgram.NewBuilder(typed).Configuration;
        return (SettingsReader.Read(configuration), configuration);
    }

    private static string Version =>
        typeof(CommandProgram).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion
            ?? "of unknown version";

    private static bool IsHelp(string typed) => typed is "--help" or "-h" or "-?" or "/?" or "help";

    private static bool IsVersion(string typed) => typed is "--version" or "-v";

    // As the settings' own reader takes them: `--Key=value`, `--Key value`, `/Key=value`, `Key=value`.
    private static bool IsSetting(string typed) =>
        typed.StartsWith('-') || typed.StartsWith('/') || typed.Contains('=', StringComparison.Ordinal);

    private static string FullPath(string folder) => Path.GetFullPath(Path.TrimEndingDirectorySeparator(folder));

    /// <summary>A command line, taken apart.</summary>
    /// <param name="Object">A folder or a user; empty where there is none.</param>
    /// <param name="Second">The file of an export; of an import whether accounts match.</param>
    /// <param name="Option">Of a ban the reason, of a password link the origin, of an import whose the room is, of a restore empty
    /// if it is there.</param>
    private sealed record Typed(string Command, string Object, string Second, string? Option, string[] Settings)
    {
        /// <summary>Null: <paramref name="wrong"/> says what is missing, or too much.</summary>
        public static Typed? TryParse(string[] args, out string wrong)
        {
            var (command, rest) = (args[0], args[1..]);
            string[] objects = [.. _usages[command].Split(' ').Skip(1).TakeWhile(word => word[0] != '[')];
            var wanted = objects is [.., var what] ? what : null;
            wrong = "";
            List<string> named = [];
            foreach (var one in objects)
            {
                if (rest is not [{ Length: > 0 } first, ..] || first.StartsWith('-'))
                {
                    wrong = $"{one} is missing.";
                    return null;
                }

                named.Add(first);
                rest = rest[1..];
            }

            string? option = null;
            if (_options.TryGetValue(command, out var name) && rest is [var typed, ..])
            {
                if (typed == name && name == KeepLogins)
                {
                    (option, rest) = ("", rest[1..]);
                }
                else if (typed == name && rest.Length > 1)
                {
                    (option, rest) = (rest[1], rest[2..]);
                }
                else if (name != KeepLogins && typed.StartsWith(name + "=", StringComparison.Ordinal))
                {
                    (option, rest) = (typed[(name.Length + 1)..], rest[1..]);
                }
            }

            var second = named.Count > 1 ? named[1] : "";
            if (command == "import" && rest is [AccountsOption or AccountsOption + "=match" or AccountsOption + "=none", ..])
            {
                (second, rest) = rest[0] == AccountsOption ? (rest.Length > 1 ? rest[1] : "", rest[Math.Min(2, rest.Length)..]) : (rest[0][(AccountsOption.Length + 1)..], rest[1..]);
                if (second is not ("match" or "none"))
                {
                    wrong = $"{AccountsOption} is match or none.";
                    return null;
                }
            }

            // An option of a command that is not where it belongs would be taken for a setting, and ignored.
            wrong = rest is [var more, ..] && !more.StartsWith('-')
                ? $"{PlainLine.Of(more)} is too much{(wanted is null ? "" : $": there is one {wanted}")}."
                : rest.FirstOrDefault(one => _options.ContainsValue(one) || one == AccountsOption) is { } lost
                    ? lost == name ? $"{lost} stands right behind {wanted}{(lost == KeepLogins ? "" : ", and what it says behind it")}." : $"{command} has no {lost}."
                    : "";
            return wrong.Length == 0 ? new(command, named.FirstOrDefault(""), second, option, rest) : null;
        }
    }
}
