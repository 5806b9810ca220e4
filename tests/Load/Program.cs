using System.Globalization;
using System.Runtime.InteropServices;
using WebMessenger.Load;
using WebMessenger.Load.Commands;

CultureInfo.DefaultThreadCurrentCulture = CultureInfo.CurrentCulture = CultureInfo.InvariantCulture;

if (args.Length == 0 || args.Any(argument => argument is "--help" or "-h" or "help"))
{
    Help.Write(Console.Out, args);
    return 0;
}

using CancellationTokenSource stop = new();
void Stop(PosixSignalContext context)
{
    // The servers that were started are stopped first.
    context.Cancel = true;
    stop.Cancel();
}

using var interrupted = PosixSignalRegistration.Create(PosixSignal.SIGINT, Stop);
using var terminated = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Stop);
try
{
#if DEBUG
    throw new UsageException("Figures of a debug build mean nothing: add -c Release.");
#else
    var (command, rest) = CommandList.Find(args);
    return await command.RunAsync(new Arguments(command.Options, rest), stop.Token);
#endif
}
catch (UsageException error)
{
    await Console.Error.WriteLineAsync($"{error.Message} See --help.");
    return 2;
}
catch (LoadException error)
{
    await Console.Error.WriteLineAsync(error.Message);
    return 1;
}
catch (OperationCanceledException) when (stop.IsCancellationRequested)
{
    await Console.Error.WriteLineAsync("Stopped.");
    return 130;
}
