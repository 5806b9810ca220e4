using System.Globalization;
using System.Text;
using Serilog.Events;
using Serilog.Parsing;
using WebMessenger.Broker.Host;

namespace WebMessenger.Broker.Tests.Host;

public sealed class LogLineTests
{
    [Theory]
    [InlineData("lobby", "Room lobby is open")]
    [InlineData("a\r\n2026-01-01 00:00:00.000 INF Forged", "Room a ⏎ 2026-01-01 00:00:00.000 INF Forged is open")]
    [InlineData("a\u001b[31mb\u009b2J\u0007", "Room a[31mb2J is open")]
    [InlineData("a\u202Eb\u2028c\u0085d", "Room ab ⏎ c ⏎ d is open")]
    public void Attack_76_A_name_or_topic_stays_within_its_line(string name, string expected) =>
        Assert.Equal($"2026-11-23 10:00:00.000 INF {expected}\n", Written(name, null));

    [Fact]
    public void Attack_76_No_line_of_an_exception_passes_for_an_entry()
    {
        var lines = Written("lobby", new InvalidOperationException("bad\r\n2026-01-01 00:00:00.000 INF \u001b[31mForged")).TrimEnd('\n').Split('\n');

        Assert.Equal("2026-11-23 10:00:00.000 INF Room lobby is open", lines[0]);
        Assert.True(lines.Length > 2);
        Assert.All(lines.Skip(1), line => Assert.StartsWith("  ", line, StringComparison.Ordinal));
        Assert.DoesNotContain(lines, line => line.Contains('\u001b', StringComparison.Ordinal));
    }

    [Fact]
    public void What_is_no_text_is_written_as_its_format_says()
    {
        LogEvent entry = new(
            new DateTimeOffset(2026, 11, 23, 10, 0, 0, TimeSpan.Zero), LogEventLevel.Warning, null, new MessageTemplateParser().Parse("0x{Code:X2} after {Seconds:0.0} s of {Nobody}"),
            [new LogEventProperty("Code", new ScalarValue(0x8E)), new LogEventProperty("Seconds", new ScalarValue(1.25))]);

        Assert.Equal("2026-11-23 10:00:00.000 WRN 0x8E after 1.3 s of {Nobody}\n", Written(entry));
    }

    [Fact]
    public void The_secret_of_a_hook_is_in_no_line_at_whatever_level()
    {
        var lines = Written("POST http://h/api/hooks/wmh_S3cret?x=1 - 200", new InvalidOperationException("at /API/hooks/wmh_S3cret"));

        Assert.Contains("Room POST http://h/api/hooks/…?x=1 - 200 is open", lines, StringComparison.Ordinal);
        Assert.DoesNotContain("wmh_S3cret", lines, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("POST /api//hooks/wmh_S3cret-_x", "POST /api//hooks/wmh_…")]
    [InlineData("POST /api/hoooks/wmh_S3cret - 404", "POST /api/hoooks/wmh_… - 404")]
    [InlineData("GET /?token=WM_S3cret&x=1", "GET /?token=WM_…&x=1")]
    [InlineData("GET /?token=wm%5fS3cret", "GET /?token=wm%…")]
    [InlineData("key 'whsec_S3cret+/=' and wmh_S3cret/wm_S3cret, twice", "key 'whsec_…' and wmh_…, twice")]
    [InlineData("nothing behind wmh_", "nothing behind wmh_")]
    [InlineData("/api/hooks/S3cret wmh_S3cret", "/api/hooks/… wmh_…")]
    public void Secrets_are_known_by_how_they_begin_wherever_they_stand(string text, string shown)
    {
        Assert.Equal($"2026-11-23 10:00:00.000 INF Room {shown} is open\n", Written(text, null));
        Assert.DoesNotContain("S3cret", Written("lobby", new InvalidOperationException(text)), StringComparison.Ordinal);
    }

    private static string Written(string name, Exception? error) => Written(new LogEvent(
        new DateTimeOffset(2026, 11, 23, 10, 0, 0, TimeSpan.Zero), LogEventLevel.Information, error, new MessageTemplateParser().Parse("Room {Room} is open"),
        [new LogEventProperty("Room", new ScalarValue(name))]));

    private static string Written(LogEvent entry)
    {
        StringBuilder text = new();
        using StringWriter writer = new(text, CultureInfo.InvariantCulture) { NewLine = "\n" };
        new LogLine().Format(entry, writer);
        return text.ToString();
    }
}
