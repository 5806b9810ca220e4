using System.IO.Pipelines;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Time.Testing;
using WebMessenger.Broker.Api;
using WebMessenger.Broker.Archives;
using WebMessenger.Broker.Settings;
using WebMessenger.Broker.Tests.Host;
using WebMessenger.Broker.Tests.Rooms;
using static WebMessenger.Broker.Tests.Rooms.MessageTalk;

namespace WebMessenger.Broker.Tests.Archives;

/// <summary>Who sends or takes files slowly, or over and over, keeps nobody else from it.</summary>
public sealed class ArchivePlacesTests
{
    private readonly FakeTimeProvider _time = new();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Who_sends_a_file_slowly_holds_his_own_place_and_nobody_elses()
    {
        await using var broker = await RunningBroker.StartAsync("--WebMessenger:Limits:ImportsAtOnce", "1");
        await broker.RegisterAsync("first");
        var (ana, bea, zoe) = (await MayAllAsync(broker, "ana"), await MayAllAsync(broker, "bea"), await MayAllAsync(broker, "zoe"));
        using var first = await BeginAsync(broker, ana, files: 1);
        using var second = await BeginAsync(broker, bea, files: 2);

        await RoomFile.SendAsync(broker, zoe, RoomFile.Of().Zipped());
        await RoomFile.SendAsync(broker, ana, RoomFile.Of().Zipped(), HttpStatusCode.ServiceUnavailable);
    }

    [Fact]
    public async Task A_file_is_there_within_ten_minutes()
    {
        await using var broker = await RunningBroker.StartAsync(
            services => services.AddSingleton(provider => new RequestsUnderWay(provider.GetRequiredService<BrokerSettings>(), _time)));
        await broker.RegisterAsync("first");
        using var slow = await BeginAsync(broker, await MayAllAsync(broker, "ana"), files: 1);

        _time.Advance(RoomImportApi.LongestUpload);

        Assert.Equal(0, await ReceiveAsync(slow));
    }

    [Fact]
    public async Task So_many_files_are_made_rooms_of_at_once_and_the_next_waits()
    {
        using ImportPlaces places = new(new BrokerLimits { ImportsAtOnce = 1 }, _time);
        using var first = await places.FindAsync(Cancellation);
        var next = places.FindAsync(Cancellation);
        Assert.False(next.IsCompleted);
        first!.Dispose();
        first.Dispose();
        using var second = await next;
        Assert.NotNull(second);
        Assert.False(places.FindAsync(Cancellation).IsCompleted);
        using ImportPlaces unbounded = new(new BrokerLimits { ImportsAtOnce = 0 }, _time);
        Assert.NotNull(await unbounded.FindAsync(Cancellation));
        Assert.NotNull(await unbounded.FindAsync(Cancellation));
    }

    [Fact]
    public async Task An_account_sends_so_many_files_a_day_and_those_that_fail_count()
    {
        await using var broker = await RunningBroker.StartAsync("--WebMessenger:Limits:ImportsPerDay", "2");
        await broker.RegisterAsync("first");
        var zoe = await MayAllAsync(broker, "zoe");
        await RoomFile.SendAsync(broker, zoe, [1, 2, 3], HttpStatusCode.BadRequest);
        await RoomFile.SendAsync(broker, zoe, RoomFile.Of().Zipped());

        var refused = await RoomFile.SendAsync(broker, zoe, RoomFile.Of().Zipped(), HttpStatusCode.TooManyRequests);

        Assert.Equal("too_many_attempts", refused.GetProperty("code").GetString());
        await RoomFile.SendAsync(broker, await MayAllAsync(broker, "ana"), RoomFile.Of().Zipped());
    }

    [Fact]
    public async Task Who_leaves_an_export_before_its_end_waits_for_the_next()
    {
        await using var broker = await RunningBroker.StartAsync(
            services => services.AddSingleton(new ExportPlaces(new BrokerLimits(), _time)), "--WebMessenger:Limits:ExportBytesPerSecond", "1");
        var talk = await InYardAsync(broker);
        using (Socket reader = new(SocketType.Stream, ProtocolType.Tcp))
        {
            await reader.ConnectAsync(IPEndPoint.Parse(broker.Http.Authority), Cancellation);
            await reader.SendAsync(Encoding.ASCII.GetBytes(
                $"GET /api/rooms/yard/export HTTP/1.1\r\nHost: {broker.Http.Authority}\r\nAuthorization: Bearer {talk.Maker.Token}\r\n\r\n"), Cancellation);
            Assert.True(await reader.ReceiveAsync(new byte[16], Cancellation) > 0);
        }

        var places = broker.Get<ExportPlaces>();
        while (places.WaitOf(talk.Maker.Account.Id) == TimeSpan.Zero)
        {
            await Task.Yield();
        }

        var refused = await RoomFile.TakeAsync(broker, talk.Maker, status: HttpStatusCode.TooManyRequests);
        Assert.Contains("too_many_attempts", Encoding.UTF8.GetString(refused), StringComparison.Ordinal);
        Assert.Equal(TimeSpan.Zero, places.WaitOf(talk.Mod.Account.Id));
    }

    [Fact]
    public void Who_took_nothing_waits_some_minutes_and_who_left_as_long_as_he_held_the_place()
    {
        ExportPlaces places = new(new BrokerLimits(), _time);
        places.HoldOff("ana", TimeSpan.FromSeconds(20), isCutOff: true);
        places.HoldOff("bea", TimeSpan.FromSeconds(20), isCutOff: false);
        places.HoldOff("caio", TimeSpan.FromHours(1), isCutOff: true);
        Assert.Equal([300, 20, 3600, 0], ((string[])["ana", "bea", "caio", "dora"]).Select(who => (int)places.WaitOf(who).TotalSeconds));
        _time.Advance(ExportPlaces.AfterCutOff);
        Assert.Equal([0, 0, 3300], ((string[])["ana", "bea", "caio"]).Select(who => (int)places.WaitOf(who).TotalSeconds));
    }

    [Fact]
    public async Task An_answer_knows_that_nothing_of_it_was_taken()
    {
        DefaultHttpContext context = new();
        Pipe connection = new(new PipeOptions(pauseWriterThreshold: 1, resumeWriterThreshold: 0));
        context.Features.Set<IHttpResponseBodyFeature>(new StreamResponseBodyFeature(connection.Writer.AsStream()));
        SteadyBody body = new(context, _time, SteadyBody.LongestPause);
        var writing = body.WriteAsync(new byte[100], Cancellation).AsTask();
        Assert.False(body.IsCutOff);

        _time.Advance(SteadyBody.LongestPause);

        Assert.True(body.IsCutOff);
        await connection.Reader.CompleteAsync();
        await Record.ExceptionAsync(() => writing);
    }

    // It has begun to send his file when there are so many in the folder.
    private static async Task<Socket> BeginAsync(RunningBroker broker, Member who, int files)
    {
        var browser = await broker.SignInAsync(who.Account);
        Socket socket = new(SocketType.Stream, ProtocolType.Tcp);
        await socket.ConnectAsync(IPEndPoint.Parse(broker.Http.Authority), Cancellation);
        await socket.SendAsync(Encoding.ASCII.GetBytes(
            $"POST /api/rooms/import HTTP/1.1\r\nHost: {broker.Http.Authority}\r\nCookie: webmessenger={browser.Secret}\r\nContent-Length: 1000000\r\n\r\nPK"), Cancellation);
        var folder = broker.Get<UnfinishedImports>().Folder;
        while (!Directory.Exists(folder) || Directory.EnumerateFiles(folder).Count() < files)
        {
            await Task.Yield();
        }

        return socket;
    }

    private static async Task<int> ReceiveAsync(Socket socket)
    {
        try
        {
            return await socket.ReceiveAsync(new byte[16], Cancellation);
        }
        catch (SocketException)
        {
            return 0;
        }
    }
}
