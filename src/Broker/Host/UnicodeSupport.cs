using System.Text;
using WebMessenger.Broker.Settings;

namespace WebMessenger.Broker.Host;

/// <summary>What names and passwords need of the system: that the same text in two writings is known to be the same.</summary>
internal static class UnicodeSupport
{
    /// <summary>
    /// In globalization-invariant mode, the default of small container images, .NET normalizes nothing: passwords typed on one machine
    /// would be wrong on another, and names that look alike would be two.
    /// </summary>
    /// <exception cref="StartupException">It is not there.</exception>
    public static void Require()
    {
        if (/* guard: no start without Unicode */ !Works())
        {
            throw new StartupException(
                "This system gives .NET no Unicode (globalization-invariant mode), so passwords and names could not be compared. "
                + "Install the ICU libraries (Alpine: apk add icu-libs; Debian: libicu) and set DOTNET_SYSTEM_GLOBALIZATION_INVARIANT=false.");
        }
    }

    private static bool Works()
    {
        try
        {
            return "e\u0301".Normalize(NormalizationForm.FormC) == "\u00E9" && "\uFF41".Normalize(NormalizationForm.FormKC) == "a"
                && "\u00E9".Normalize(NormalizationForm.FormD) == "e\u0301" && "\u0130\u00C9".ToLowerInvariant().EndsWith('\u00E9');
        }
        catch (Exception error) when (error is PlatformNotSupportedException or ArgumentException)
        {
            return false;
        }
    }
}
