using System.Diagnostics;
using System.Runtime.InteropServices;
using WebMessenger.Load.Generator;

namespace WebMessenger.Load.Servers;

/// <summary>A server as a process of its own, and what it says.</summary>
internal sealed partial class ChildProcess : IAsyncDisposable
{
    private const int LinesKept = 50;
    private const int TerminateSignal = 15;

    private static readonly TimeSpan StartTime = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan StopTime = TimeSpan.FromSeconds(20);

    private readonly Process _process;
    private readonly Queue<string> _lastLines = new();
    private readonly TaskCompletionSource _ready = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Func<string, bool> _onLine;
    private readonly Task _reading;
    private TaskCompletionSource? _listening;

    private ChildProcess(Process process, Func<string, bool> onLine)
    {
        (_process, _onLine) = (process, onLine);
        _reading = Task.WhenAll(ReadAsync(process.StandardOutput), ReadAsync(process.StandardError));
    }

    /// <summary>User and kernel time that the operating system has counted for it so far; on Linux in steps of 10 ms.</summary>
    public TimeSpan Cpu => _process.TotalProcessorTime;

    public int Id => _process.Id;

    /// <summary>The part of <see cref="Cpu"/> that was spent in the kernel.</summary>
    public TimeSpan KernelCpu => _process.PrivilegedProcessorTime;

    public long ResidentBytes
    {
        get
        {
            _process.Refresh();
            return _process.WorkingSet64;
        }
    }

    /// <summary>What it said last, for when something goes wrong.</summary>
    public string LastWords
    {
        get
        {
            lock (_lastLines)
            {
                return string.Join(Environment.NewLine, _lastLines);
            }
        }
    }

    /// <summary>The most that it has held of the machine's memory so far, in bytes; 0 where the operating system does not say.</summary>
    public long MostResidentBytes
    {
        get
        {
            _process.Refresh();
            return _process.PeakWorkingSet64;
        }
    }

    public bool HasEnded => _process.HasExited;

    /// <summary>What it writes stays in the pipe, as on a terminal that is paused: until disposed.</summary>
    public IDisposable StopListening()
    {
        _listening = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        return new Listening(_listening);
    }

    /// <param name="onLine">Sees every line that it writes; true: it is ready.</param>
    public static async Task<ChildProcess> StartAsync(string program, IEnumerable<string> arguments, Func<string, bool> onLine, Task? readyOtherwise, CancellationToken cancellation)
    {
        var child = Start(program, arguments, onLine);
        try
        {
            await child.ReadyAsync(readyOtherwise, cancellation);
            return child;
        }
        catch
        {
            await child.DisposeAsync();
            throw;
        }
    }

    /// <summary>Starts it and does not wait until it is ready.</summary>
    /// <param name="onLine">Sees every line that it writes; true: it is ready.</param>
    /// <param name="environment">Variables for it alone.</param>
    public static ChildProcess Start(string program, IEnumerable<string> arguments, Func<string, bool> onLine, IReadOnlyDictionary<string, string>? environment = null)
    {
        ProcessStartInfo start = new(program)
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            RedirectStandardInput = true,
            WorkingDirectory = Path.GetTempPath(),
        };
        foreach (var argument in arguments)
        {
            start.ArgumentList.Add(argument);
        }

        // They are for the generator; a server under them would be another server.
        foreach (var name in Swarm.InlineSettings.Keys)
        {
            start.Environment.Remove(name);
        }

        foreach (var (name, value) in environment ?? new Dictionary<string, string>())
        {
            start.Environment[name] = value;
        }

        var process = Process.Start(start) ?? throw new LoadException($"{program} did not start.");
        process.StandardInput.Close();
        return new ChildProcess(process, onLine);
    }

    /// <summary>Completes when it is ready. Throws <see cref="LoadException"/> when it ends instead.</summary>
    public async Task ReadyAsync(Task? readyOtherwise, CancellationToken cancellation)
    {
        var ended = _process.WaitForExitAsync(cancellation);
        await Task.WhenAny(_ready.Task, readyOtherwise ?? _ready.Task, ended).WaitAsync(StartTime, cancellation);
        if (ended.IsCompleted)
        {
            await _reading;
            throw new LoadException($"The server ended before it was ready. It said: {LastWords}");
        }
    }

    /// <summary>
    /// Asks it to stop, as a supervisor does, and returns its exit code. Throws <see cref="LoadException"/> when it does not stop.
    /// </summary>
    public async Task<int> StopAsync()
    {
        if (OperatingSystem.IsWindows())
        {
            _process.Kill();
        }
        else if (!_process.HasExited)
        {
            _ = Kill(_process.Id, TerminateSignal);
        }

        try
        {
            await _process.WaitForExitAsync().WaitAsync(StopTime);
        }
        catch (TimeoutException)
        {
            throw new LoadException($"The server did not stop within {StopTime.TotalSeconds:0} s. It said last: {LastWords}");
        }

        await _reading;
        return OperatingSystem.IsWindows() ? 0 : _process.ExitCode;
    }

    /// <summary>kill -9: no line of the program's own runs any more. Returns when it is gone.</summary>
    public async Task KillAsync()
    {
        _process.Kill();
        await _process.WaitForExitAsync();
    }

    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited)
        {
            _process.Kill();
        }

        _listening?.TrySetResult();
        await _reading;
        _process.Dispose();
    }

    private async Task ReadAsync(StreamReader from)
    {
        while (await from.ReadLineAsync() is { } line)
        {
            lock (_lastLines)
            {
                if (_lastLines.Count == LinesKept)
                {
                    _lastLines.Dequeue();
                }

                _lastLines.Enqueue(line);
                if (_onLine(line))
                {
                    _ready.TrySetResult();
                }
            }

            if (_listening is { } listening)
            {
                await listening.Task;
            }
        }
    }

    private sealed class Listening(TaskCompletionSource listening) : IDisposable
    {
        public void Dispose() => listening.TrySetResult();
    }

    [LibraryImport("libc", EntryPoint = "kill")]
    private static partial int Kill(int process, int signal);
}
