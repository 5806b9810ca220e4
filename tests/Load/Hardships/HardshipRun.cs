using System.Net;
using System.Net.Http.Json;
using WebMessenger.Load.Crash;
using WebMessenger.Load.Measuring;
using WebMessenger.Load.Servers;

namespace WebMessenger.Load.Hardships;

/// <summary>People talk, a hardship befalls the server, and at the end nothing acknowledged is missing and nobody was signed out.</summary>
internal sealed class HardshipRun(Hardship hardship, MortalServer server, int seed)
{
    private const int Rooms = 2;

    /// <summary>Nobody who is checked speaks or listens in it.</summary>
    public const int SpareRoom = Rooms;

    private const double PerSecond = 200;

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan Calm = TimeSpan.FromSeconds(2);

    private readonly CrashRecord _record = new();

    public static Preparation Needs { get; } = new(CrashPlan.EightPublishers.Count + CrashPlan.EightListeners.Count + 1, Rooms + 1);

    public async Task<Outcome> RunAsync(CancellationToken cancellation)
    {
        List<string> problems = [];
        CrashPublisher[] publishers = [.. CrashPlan.EightPublishers.Select((one, i) => new CrashPublisher(
            i, one, Rooms, PerSecond / CrashPlan.EightPublishers.Count, server.Mqtt, server.Logins[i], _record, seed + 1 + i))];
        CrashListener[] listeners = [.. CrashPlan.EightListeners.Select((one, i) => new CrashListener(
            i, one, Rooms, server.Mqtt, server.Logins[publishers.Length + i], _record, seed + 100 + i))];
        using StoredLog log = new(server.Http, server.Logins[0]);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        server.Setting = hardship.Setting(server.Folder);
        await server.StartAsync(cancellation);
        using SignedInPage page = new(server);
        await page.SignInAsync(cancellation);
        List<Task> running = [.. listeners.Select(listener => listener.RunAsync(stop.Token))];
        long most;
        try
        {
            await Task.WhenAll(listeners.Select(listener => listener.Subscribed)).WaitAsync(Patience, cancellation);
            var heads = await log.HeadsAsync(Rooms, cancellation);
            foreach (var listener in listeners.Where((_, i) => CrashPlan.EightListeners[i].IsDurable))
            {
                listener.BeginAfter(heads);
            }

            running.AddRange(publishers.Select(publisher => publisher.RunAsync(stop.Token)));
            running.AddRange(publishers.Select(publisher => publisher.SpeakAsync(stop.Token)));
            await Task.Delay(Calm, cancellation);
            await hardship.BefallAsync(server, cancellation);
            await Task.Delay(Calm, cancellation);
            foreach (var publisher in publishers)
            {
                publisher.Finish();
            }

            await AllAsync(publishers.Select(publisher => publisher.Done), "wait for acknowledgements", problems, cancellation);
            heads = await log.HeadsAsync(Rooms, cancellation);
            await AllAsync(listeners.Select(listener => listener.ReachAsync(heads)), "have not heard everything", problems, cancellation);
            problems.AddRange(await page.ProblemsAsync("before the next start", cancellation));
            most = server.Process.MostResidentBytes;
            if (hardship.MemoryLimit > 0 && most > hardship.MemoryLimit)
            {
                problems.Add($"the server held {most / 1e6:0} MB");
            }
        }
        catch (LoadException) when (server.Process.HasEnded)
        {
            throw new LoadException($"The server ended. It said last: {server.LastWords}");
        }
        finally
        {
            await stop.CancelAsync();
            await Task.WhenAll(running).ContinueWith(_ => { }, CancellationToken.None, TaskContinuationOptions.None, TaskScheduler.Default);
        }

        // What was acknowledged, and who is signed in, outlives a kill.
        await server.KillAsync();
        await server.StartAsync(cancellation);
        problems.AddRange(await page.ProblemsAsync("after a kill", cancellation));
        List<StoredRoom> rooms = [];
        for (var room = 0; room < Rooms; room++)
        {
            rooms.Add(await log.ReadAsync(room, cancellation));
        }

        var verdict = Checker.Check(_record, rooms);
        problems.AddRange(verdict.Faults.Take(10).Select(fault => fault.ToString()));
        return new Outcome(
        [
            new("messages said", "", _record.Said.Count),
            new("… said again", "", _record.SentAgain),
            new("acknowledgements", "", _record.Acknowledged.Count),
            new("… refused for now", "", _record.Refused),
            new("deliveries", "", verdict.Deliveries),
            new("connections that ended", "", _record.Reconnects),
            new("most memory", "MB", most / 1e6),
            new("FAULTS", "", verdict.Faults.Count),
        ], problems);
    }

    private static async Task AllAsync(IEnumerable<Task> tasks, string what, List<string> problems, CancellationToken cancellation)
    {
        Task[] all = [.. tasks];
        try
        {
            await Task.WhenAll(all).WaitAsync(Patience, cancellation);
        }
        catch (TimeoutException)
        {
            problems.Add($"after {Patience.TotalSeconds:0} s {all.Count(task => !task.IsCompleted)} of {all.Length} {what}");
        }
    }

    /// <summary>A browser that was signed in before anything happened.</summary>
    private sealed class SignedInPage(MortalServer server) : IDisposable
    {
        private readonly HttpClient _http = new(new SocketsHttpHandler { UseProxy = false, UseCookies = false }) { BaseAddress = server.Http };
        private string _cookie = "";

        public async Task SignInAsync(CancellationToken cancellation)
        {
            using var answer = await _http.PostAsJsonAsync("/api/session", new { login = server.Logins[0].UserName, password = AccountSeed.Password }, cancellation);
            _cookie = answer.IsSuccessStatusCode
                ? answer.Headers.GetValues("Set-Cookie").First().Split(';')[0]
                : throw new LoadException($"A sign-in was answered with {(int)answer.StatusCode}.");
        }

        public async Task<IEnumerable<string>> ProblemsAsync(string when, CancellationToken cancellation)
        {
            using HttpRequestMessage ask = new(HttpMethod.Get, "/api/session") { Headers = { { "Cookie", _cookie } } };
            using var session = await _http.SendAsync(ask, cancellation);
            using var ready = await _http.GetAsync("/health/ready", cancellation);
            return
            [
                .. session.StatusCode == HttpStatusCode.OK ? Array.Empty<string>() : [$"{when} the browser was not signed in any more: {(int)session.StatusCode}"],
                .. ready.IsSuccessStatusCode ? Array.Empty<string>() : [$"{when} it says that it is not ready: {(int)ready.StatusCode}"],
            ];
        }

        public void Dispose() => _http.Dispose();
    }
}
