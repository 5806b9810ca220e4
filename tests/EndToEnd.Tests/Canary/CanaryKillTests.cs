using WebMessenger.EndToEnd.Tests.Servers;

namespace WebMessenger.EndToEnd.Tests.Canary;

/// <summary>
/// What was deleted is nowhere any more, whenever the server dies: in each of the steps, and at every stretch of the work of `purge`.
/// </summary>
public sealed class CanaryKillTests
{
    private static readonly bool _isLong = Environment.GetEnvironmentVariable("WEBMESSENGER_LONG_TESTS") == "1";

    /// <summary>How often each step is cut, and how often the purge.</summary>
    private static int Turns => _isLong ? 20 : 1;

    private static int Cuts => _isLong ? 40 : 2;

    [Fact]
    public async Task What_was_deleted_is_nowhere_also_when_the_server_is_killed_at_every_step_and_during_the_purge()
    {
        for (var turn = 0; turn < Turns; turn++)
        {
            await using var server = await ServerProcess.StartAsync(CanaryHunt.Settings);
            using var talk = await CanaryTalk.OfAsync(server);
            Random random = new(turn);
            foreach (var under in Groups(talk))
            {
                await TakeKilledAsync(server, under, TimeSpan.FromMilliseconds(random.NextDouble() * 6));
                Assert.DoesNotContain(talk.Word, server.Log, StringComparison.Ordinal);
            }

            await CanaryHunt.AssertGoneAsync(server, talk);
            Assert.DoesNotContain(talk.Word, await talk.KeptForClientsAsync(), StringComparison.Ordinal);
            if (!Companion.IsWanted)
            {
                await CutPurgesAsync(server, talk, turn);
            }
        }
    }

    /// <summary>
    /// What is under way when the server dies: each step by itself, or, which takes less time, what does not wait for each other.
    /// The search is not beside the deletions: of what is deleted it would wait for ever.
    /// </summary>
    private static IEnumerable<IReadOnlyList<Func<Task>>> Groups(CanaryTalk talk)
    {
        Func<Task>[] all = [.. talk.Steps.Concat(talk.Deletions).Select(step => step.TakeAsync)];
        return _isLong ? all.Select(one => new[] { one }) : [all[..1], all[1..7], all[7..8], all[8..14], all[14..16], all[16..]];
    }

    /// <summary>The server dies with the steps under way; whoever took them takes them again.</summary>
    private static async Task TakeKilledAsync(ServerProcess server, IReadOnlyList<Func<Task>> under, TimeSpan after)
    {
        var taking = Task.WhenAll(under.Select(take => take()));
        // Not waited for: it is the moment of the cut.
        await Task.WhenAny(taking, Task.Delay(after));
        await server.KillAsync();
        try
        {
            await taking;
        }
        catch (Exception error) when (error is HttpRequestException or OperationCanceledException)
        {
            // Whether it was done is known to nobody.
        }

        await server.StartAgainAsync();
        foreach (var take in under)
        {
            await take();
        }
    }

    private static async Task CutPurgesAsync(ServerProcess server, CanaryTalk talk, int turn)
    {
        await server.KillAsync();
        Assert.NotEmpty(CanaryHunt.InFiles(server.DataFolder, talk.Word));
        var before = Directory.CreateTempSubdirectory("webmessenger-before-").FullName;
        try
        {
            Copy(server.DataFolder, before);
            var whole = TimeSpan.FromMilliseconds(100);
            for (var cut = 0; cut < Cuts; cut++)
            {
                if (cut > 0)
                {
                    await server.KillAsync();
                    Directory.Delete(server.DataFolder, recursive: true);
                    Copy(before, server.DataFolder);
                }

                await server.StartAgainAsync();
                using (var door = CanaryHunt.OperatorDoor(server.DataFolder))
                {
                    await CanaryHunt.BeginPurgeAsync(door);
                    await Task.Delay(whole * ((cut + ((turn + 1) / (double)(Turns + 1))) / Cuts));
                }

                await server.KillAsync();
                whole = await PurgeAsync(server, talk);
                Assert.Empty(await CanaryHunt.InAnswersAsync(talk));
            }
        }
        finally
        {
            Directory.Delete(before, recursive: true);
        }
    }

    // Answers how long the purge itself took.
    private static async Task<TimeSpan> PurgeAsync(ServerProcess server, CanaryTalk talk)
    {
        await server.StartAgainAsync();
        using var door = CanaryHunt.OperatorDoor(server.DataFolder);
        var began = TimeProvider.System.GetTimestamp();
        await CanaryHunt.BeginPurgeAsync(door);
        await CanaryHunt.PurgedAsync(door);
        var took = TimeProvider.System.GetElapsedTime(began);
        await CanaryHunt.AssertInNoFileAsync(server, talk);
        return took;
    }

    private static void Copy(string from, string to)
    {
        foreach (var folder in Directory.EnumerateDirectories(from, "*", SearchOption.AllDirectories).Prepend(from))
        {
            Directory.CreateDirectory(Path.Combine(to, Path.GetRelativePath(from, folder)));
        }

        foreach (var file in Directory.EnumerateFiles(from, "*", SearchOption.AllDirectories).Where(file => !file.EndsWith(".socket", StringComparison.Ordinal)))
        {
            File.Copy(file, Path.Combine(to, Path.GetRelativePath(from, file)));
        }
    }
}
