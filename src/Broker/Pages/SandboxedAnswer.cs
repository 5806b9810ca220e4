namespace WebMessenger.Broker.Pages;

/// <summary>Marks an answer that shows what somebody else has written, as he wrote it: whatever it is, it runs nothing here.</summary>
internal sealed class SandboxedAnswer
{
    public const string Policy = "default-src 'none'; sandbox";

    private static readonly SandboxedAnswer s_mark = new();

    public static void Mark(HttpContext context) => context.Features.Set(s_mark);

    public static bool IsMarked(HttpContext context) => context.Features.Get<SandboxedAnswer>() is not null;
}
